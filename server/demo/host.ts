/**
 * The demo process: the shop's instances, the proxy in front of them and the visitors. Forked by demo.ts; it ends with
 * its children when the channel to its parent closes.
 */
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

import { createBackends } from "./apis/backends.ts";
import type { ApiAddresses } from "./apis/client.ts";
import { generateHistory } from "./history.ts";
import { type HostMessage, HostOptions, ToHost } from "./host-protocol.ts";
import { startInstance } from "./instance.ts";
import { demoModel } from "./model.ts";
import { findNginx, startNginx } from "./nginx.ts";
import { startBuiltInProxy, type Proxy, type ProxyOptions } from "./proxy.ts";
import { seededRandom } from "./random.ts";
import { signSession } from "./session-token.ts";
import { capacityRps } from "./timing.ts";
import { simulateVisitors } from "./visitors.ts";

const LOG_BYTES_MAX = 8 * 1024 * 1024;
const LOG_CHECK_MS = 10_000;

const options = HostOptions.parse(JSON.parse(process.argv[2] ?? ""));
const secret = randomBytes(32).toString("base64url");
const logPath = join(options.folder, "logs", "access.log");
const stop = new AbortController();

const send = (message: HostMessage): void => {
  if (process.connected) process.send?.(message);
};

const backends = createBackends({ folder: options.folder, signal: stop.signal });
const capacity = capacityRps(options.requestsPerSecondMean) / options.instancePorts.length;
const instances = await Promise.all(
  options.instancePorts.map(async (portPreferred) =>
    startInstance({
      portPreferred,
      secret,
      capacityRps: capacity,
      backends,
      random: seededRandom(Date.now(), portPreferred),
    }),
  ),
);
const ports = instances.map((instance) => instance.port);
const proxy = await startProxy({ logPath, upstreamPorts: ports });
process.once("disconnect", () => void end());
process.on("message", (given) => {
  const message = ToHost.parse(given);
  if (message.type === "stop") void end();
  else useApis(message.apis);
});
// Ctrl-C reaches the whole process group: the parent decides when the demo ends.
process.on("SIGINT", () => undefined);
if (!process.connected) await end();

const rotation = setInterval(rotateLog, LOG_CHECK_MS);
const model = demoModel(options);
const cookieFor = (user: string): string => `sid=${signSession({ user, items: 1 }, secret)}`;
const { fromMs } = options;
const visitors = simulateVisitors({
  model,
  port: proxy.port,
  fromMs,
  cookieFor,
  signal: stop.signal,
});
send({ type: "ready", proxy: proxy.kind, port: proxy.port, instances: instances.length });
await writeHistory();

async function startProxy(proxyOptions: ProxyOptions): Promise<Proxy> {
  const program = options.proxy === "any" ? findNginx(process.env["PATH"] ?? "") : undefined;
  if (!program) return startBuiltInProxy(proxyOptions);
  try {
    return await startNginx(program, options.folder, proxyOptions);
  } catch (error) {
    send({ type: "warning", text: `${program} cannot be used for the demo: ${String(error)}` });
    return startBuiltInProxy(proxyOptions);
  }
}

/** Works in slices of one minute, between which requests are served; gzip runs in parallel. */
async function writeHistory(): Promise<void> {
  const { seed, requestsPerSecondMean, history } = options;
  const upstreams = ports.map((port) => `127.0.0.1:${port}`);
  const folder = join(options.folder, "logs");
  for (const past of history) {
    await generateHistory({ ...past, folder, seed, requestsPerSecondMean, upstreams });
  }
  send({ type: "history" });
}

function useApis(apis: ApiAddresses): void {
  backends.use(apis).catch((error: unknown) => {
    send({
      type: "warning",
      text: `the demo shop works without the domain APIs: ${String(error)}`,
    });
  });
}

function rotateLog(): void {
  if (!existsSync(logPath) || statSync(logPath).size < LOG_BYTES_MAX) return;
  renameSync(logPath, `${logPath}.1`);
  proxy.reopenLog();
}

async function end(): Promise<void> {
  stop.abort();
  clearInterval(rotation);
  await visitors;
  await proxy.stop();
  await Promise.all(instances.map(async (instance) => instance.stop()));
  process.exit(0);
}
