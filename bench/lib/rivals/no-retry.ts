import { TEMPLATES } from "#deployer/edge/edge-servers.ts";

/*
 * Loaded before the role `deploys`: HAProxy and Varnish send each request once.
 */

delete process.env["NODE_OPTIONS"];
TEMPLATES.haproxy = TEMPLATES.haproxy
  .replaceAll(/^ *(?:option redispatch|retry-on|retries) .*$/gm, "")
  .replace("defaults\n", "defaults\n  retries 0\n");
TEMPLATES.varnish = TEMPLATES.varnish.replace("return (retry);", "");
