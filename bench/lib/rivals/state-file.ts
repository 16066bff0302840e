import { TEMPLATES } from "#deployer/edge/edge-servers.ts";
import { NodeFiles } from "#deployer/edge/haproxy/node-files.ts";

/*
 * Loaded before the role `deploys`: the configuration never has the addresses of tasks, and a reload takes them from
 * HAProxy's server-state-file, which `deploy-chaos.ts` writes before it.
 */

delete process.env["NODE_OPTIONS"];
TEMPLATES.haproxy = TEMPLATES.haproxy
  .replace("global\n", "global\n  server-state-file {{adminSocket}}.state\n")
  .replace("defaults\n", "defaults\n  load-server-state-from-file global\n");
const write = NodeFiles.prototype.write;
NodeFiles.prototype.write = function withoutAddresses({ text, configs }, check) {
  const empty = "$1 127.0.0.1:65535 check disabled weight 100";
  return write.call(
    this,
    { text: text.replaceAll(/^( *server s\d+) .*$/gm, empty), configs },
    check,
  );
};
