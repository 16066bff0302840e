/** An agent with the settings of the contract of edges, in the variable TEST_AGENT. At SIGTERM its servers go on. */
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { findProgram } from "../processes/find-program.ts";
import { TEST_EDGE } from "../testing/world.ts";
import { openAgentServer } from "./agent-server.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { NODE_FILES } from "./make-certificates.ts";
import { nodeIn } from "./names.ts";
import { ServedNode } from "./served-node.ts";
import { hostOfMachine, type TestAgent } from "./testing-agent.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the test has written it
const { folder, certificates, port, edgePort } = JSON.parse(
  process.env["TEST_AGENT"] ?? "",
) as TestAgent;
const log = silentLog();
const files = new CertificateFiles(certificates, NODE_FILES);
const node = nodeIn(files.current.certificate) ?? "";
const { controlNetworks, responseMs, headMs } = TEST_EDGE;
const programs = { haproxy: findProgram("haproxy") ?? "", varnishd: "", varnishadm: "" };
const served = new ServedNode({
  folder,
  node,
  programs,
  release: "r1",
  host: hostOfMachine(node),
  edgePort,
  // Without Varnish, which answers in some cases otherwise than HAProxy.
  cacheMb: 0,
  controlNetworks,
  responseMs,
  headMs,
  startedAtMs: systemClock.nowMs(),
  log,
});
await served.servers.start();
const server = await openAgentServer({
  host: "127.0.0.1",
  port,
  files,
  service: served.service,
  log,
});
process.once("SIGTERM", () => {
  void (async () => {
    await server[Symbol.asyncDispose]();
    await served.servers.leave();
    process.exit(0);
  })();
});
process.send?.("ready");
