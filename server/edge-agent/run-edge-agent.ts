import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import path from "node:path";

import { openAgentServer } from "#deployer/edge/agent/agent-server.ts";
import { CertificateFiles, expiryWarning } from "#deployer/edge/agent/certificate-files.ts";
import { NODE_FILES } from "#deployer/edge/agent/make-certificates.ts";
import { nodeIn } from "#deployer/edge/agent/names.ts";
import { ServedNode } from "#deployer/edge/agent/served-node.ts";
import { controlNetworksOf, NODE_DEFAULTS } from "#deployer/edge/local/node-settings.ts";
import { findProgram } from "#deployer/edge/processes/find-program.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import { RELEASE } from "../release.ts";
import type { EdgeAgentSettings } from "../settings.ts";

const WARN_EVERY_MS = 24 * 3_600_000;

/** Where an agent has its certificate, and its servers their files. */
const agentFolder = (dataFolder: string): string => path.join(dataFolder, "edge-agent");

export type AgentAbout = { node: string; address: string; warning: string | undefined };

type Options = {
  settings: EdgeAgentSettings;
  log: Log;
  /** Called when the control plane can connect. */
  onOpen(about: AgentAbout): void;
};

/**
 * Runs HAProxy and Varnish of this machine as the control plane wants them, until the signal aborts. The servers go on then.
 * @throws AppError that names the file, program or port, and what to do
 */
export async function runEdgeAgent(
  { settings, log, onOpen }: Options,
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder, agentListen, agentCacheMb: cacheMb } = settings;
  const folder = agentFolder(dataFolder);
  const files = new CertificateFiles(folder, NODE_FILES);
  const node = nodeIn(files.current.certificate);
  if (node === undefined) {
    const message = `The certificate in ${folder} is not that of an edge node: copy the one that quarterdeck edge-agent certificates make has made for it.`;
    throw new AppError("bad_request", message);
  }
  const programs = {
    haproxy: installed("haproxy"),
    varnishd: cacheMb > 0 ? installed("varnishd") : "",
    varnishadm: cacheMb > 0 ? installed("varnishadm") : "",
  };
  const served = new ServedNode({
    folder: path.join(folder, "servers"),
    node,
    programs,
    release: RELEASE,
    host: settings.edgeHost,
    edgePort: settings.edgePort,
    cacheMb,
    // It asks its own node whether a template serves each colour.
    controlNetworks: [...settings.agentNetworks, ...controlNetworksOf(settings.edgeHost)],
    responseMs: NODE_DEFAULTS.responseMs,
    headMs: NODE_DEFAULTS.headMs,
    startedAtMs: clock.nowMs(),
    log,
  });
  await using opened = new AsyncDisposableStack();
  await served.servers.start();
  opened.defer(() => served.servers.leave());
  const server = await openAgentServer({ ...agentListen, files, service: served.service, log });
  opened.use(server);
  const warning = (): string | undefined =>
    expiryWarning(new X509Certificate(files.current.certificate), clock.nowMs());
  const warn = setInterval(() => {
    const message = warning();
    if (message !== undefined) log.warn(message, { node });
  }, WARN_EVERY_MS).unref();
  opened.defer(() => clearInterval(warn));
  onOpen({ node, address: `${hostOf(agentListen.host)}:${server.port}`, warning: warning() });
  if (!signal.aborted) await once(signal, "abort");
}

function installed(program: string): string {
  const file = findProgram(program);
  if (file !== undefined) return file;
  throw new AppError(
    "unavailable",
    `${program} is not installed. An edge agent needs HAProxy and Varnish, or HAProxy alone with QUARTERDECK_EDGE_CACHE_MB=0.`,
  );
}
