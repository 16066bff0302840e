import { LOCAL_LIMITS } from "#server/deploys/pace.ts";

/*
 * Loaded before the role `deploys`: a colour is drained as soon as all nodes have acknowledged that it has no traffic.
 */

delete process.env["NODE_OPTIONS"];
LOCAL_LIMITS.settleMs = 0;
