import { startInstance } from "#api/kit/instance.ts";
import { systemClock } from "#platform/clock.ts";
import { parseConfig } from "#platform/config.ts";
import { silentLog } from "#platform/log.ts";

import { billing } from "./service.ts";

/**
 * A process of Billing that a test kills: its database, its root key, and how far its clock is ahead (ms), so that it
 * need not wait for the leases of the one that was killed before it.
 */
const [databaseUrl = "", rootKey = "", aheadMs = "0"] = process.argv.slice(2);
await startInstance(billing, {
  config: parseConfig({}),
  databaseUrl,
  rootKey,
  port: 0,
  authenticate: () => Promise.resolve(undefined),
  clock: { nowMs: () => systemClock.nowMs() + Number(aheadMs) },
  log: silentLog(),
  writeLine: () => undefined,
});
