import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { EdgeConfig } from "#deployer/drivers.ts";
import {
  controlNetworksOf,
  NODE_DEFAULTS,
  type NodeSettings,
} from "#deployer/edge/local/node-settings.ts";
import { freePort } from "#platform/free-port.ts";
import { openEdge } from "#server/edge/open-edge.ts";

/** Where clients connect, and the processes whose CPU time is its cost. */
export type EdgeServer = AsyncDisposable & { url: string; pids: readonly number[] };

const NODE = fileURLToPath(new URL("../../server/edge/edge-process.ts", import.meta.url));
const HOST = "127.0.0.1";
const INSTALL = "apt-get install --no-install-recommends haproxy";
const START_MS_MAX = 10_000;
const POLL_MS = 50;

/** Answers that cost next to nothing. HAProxy sends them from memory. */
export async function startTasks(folder: string): Promise<EdgeServer> {
  const port = await freePort();
  await writeFile(path.join(folder, "1k"), "x".repeat(1_000));
  await writeFile(path.join(folder, "15k"), "x".repeat(15_000));
  const file = (name: string): string => `"${path.join(folder, name)}"`;
  return haproxy(folder, "tasks", {
    port,
    lines: `
frontend tasks
  bind ${HOST}:${port}
  http-request return status 200 content-type text/plain string ok if { path /healthz }
  http-request return status 200 content-type text/plain file ${file("15k")} if { path /15k }
  http-request return status 200 content-type text/plain file ${file("1k")}
`,
  });
}

/** A node of the local edge with one task in each colour, and a tenth of the requests for the new one. */
export async function startLocal(folder: string, taskUrl: string): Promise<EdgeServer> {
  const port = await freePort();
  const settings: NodeSettings = {
    id: "lb1",
    dataFolder: folder,
    host: HOST,
    workloads: [{ name: "web", port, slotsPerColour: 2, checkPath: "/healthz" }],
    ...NODE_DEFAULTS,
    controlNetworks: controlNetworksOf("127.0.0.1"),
  };
  const env = { ...process.env, EDGE_NODE: JSON.stringify(settings) };
  const child = fork(NODE, [], { env, execArgv: [] });
  await once(child, "message");
  await using edge = openEdge(folder, ["lb1"]);
  const { driver } = edge;
  await until(() =>
    driver.read("lb1", "web").then(
      () => true,
      () => false,
    ),
  );
  await driver.apply("lb1", "web", configOf(new URL(taskUrl).host));
  const url = `http://${HOST}:${port}`;
  await until(async () => (await fetch(`${url}/1k`)).status === 200);
  return { url, pids: [child.pid ?? 0], [Symbol.asyncDispose]: () => end(child) };
}

function configOf(address: string): EdgeConfig {
  const slots: EdgeConfig["slots"]["blue"] = [
    { address, state: "ready" },
    { address: null, state: "maint" },
  ];
  return {
    version: 1,
    route: { live: "blue", next: "green", splitBp: 1_000 },
    releases: { blue: "r1", green: "r2" },
    slots: { blue: slots, green: slots },
  };
}

/** HAProxy with the work of the local edge. */
export async function startHaproxy(folder: string, taskUrl: string): Promise<EdgeServer> {
  const port = await freePort();
  const address = new URL(taskUrl).host;
  const maps = { live: "web blue", next: "web green", split: "web 1000" };
  for (const [name, line] of Object.entries(maps)) {
    await writeFile(path.join(folder, `${name}.map`), `${line}\n`);
  }
  const map = (name: string): string => path.join(folder, `${name}.map`);
  const backend = (colour: string, release: string): string => `
backend web_${colour}
  balance leastconn
  option httpchk GET /healthz
  http-request set-header x-release ${release}
  server s1 ${address} check
  server s2 127.0.0.1:9 check disabled
`;
  return haproxy(folder, "edge", {
    port,
    lines: `
frontend edge
  bind ${HOST}:${port}
  option idle-close-on-response
  option forwardfor
  http-request del-header x-lane
  http-request del-header x-release
  http-request disable-l7-retry unless METH_GET or METH_HEAD or METH_OPTIONS or { req.hdr(idempotency-key) -m found }
  http-request set-var(txn.bp) str(web),map_str_int(${map("split")},0)
  http-request set-var(txn.h) rand(10000)
  http-request set-var(txn.h) req.cook(sid),xxh32(0),mod(10000) if { req.cook(sid) -m found }
  acl to_new var(txn.h),sub(txn.bp) lt 0
  http-request set-header x-lane %[str(web),map_str(${map("live")},blue)]
  http-request set-header x-lane %[str(web),map_str(${map("next")},blue)] if to_new
  http-request capture req.hdr(x-lane) len 8
  log-format '{"t":%[date(0,ms)],"ci":"%ci","f":"%f","b":"%b","s":"%s","HM":"%HM","HU":"%[capture.req.uri,json(utf8s)]","ST":%ST,"Tc":%Tc,"Tr":%Tr,"Ta":%Ta,"B":%B,"ts":"%tsc","rc":"%rc","lane":"%[capture.req.hdr(0),json(utf8s)]"}'
  acl new req.hdr(x-lane) green
  use_backend web_green if new { nbsrv(web_green) gt 0 }
  use_backend web_blue if !new { nbsrv(web_blue) gt 0 }
  use_backend web_green if { nbsrv(web_green) gt 0 }
  default_backend web_blue
${backend("blue", "r1")}${backend("green", "r2")}`,
  });
}

/** One thread, as a node of the local edge has one. */
async function haproxy(
  folder: string,
  name: string,
  { port, lines }: { port: number; lines: string },
): Promise<EdgeServer> {
  if (spawnSync("haproxy", ["-v"]).status !== 0) throw new Error(`HAProxy is missing: ${INSTALL}`);
  const file = path.join(folder, `${name}.cfg`);
  await writeFile(
    file,
    `global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
defaults
  mode http
  ${name === "edge" ? "log global" : "no log"}
  timeout connect 300ms
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
  timeout http-keep-alive 30s
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response response-timeout 0rtt-rejected
  http-reuse safe
  default-server inter 1s fastinter 250ms rise 2 fall 2
${lines}`,
  );
  const log = openSync(path.join(folder, `${name}.log`), "a");
  const child = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", log, "inherit"] });
  closeSync(log);
  const url = `http://${HOST}:${port}`;
  await until(() =>
    fetch(`${url}/1k`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return { url, pids: [child.pid ?? 0], [Symbol.asyncDispose]: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function until(isThere: () => Promise<boolean>): Promise<void> {
  const lateMs = performance.now() + START_MS_MAX;
  while (!(await isThere())) {
    if (performance.now() > lateMs) throw new Error("the servers of the benchmark do not start");
    await delay(POLL_MS);
  }
}
