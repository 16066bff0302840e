/**
 * The cost of the edge: requests per CPU second and added latency of a node of the local edge and of HAProxy, with the
 * same work, in the same run: `node bench/edge.ts [--rounds 10] [--seconds 2] [--connections 32]`.
 * Both choose a colour by the cookie or by chance, check two tasks, may send a request again, and write an access log.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { type Loaded, load, type Request } from "./lib/apis-load.ts";
import { type EdgeServer, startHaproxy, startLocal, startTasks } from "./lib/edge-servers.ts";
import { median } from "./lib/measure.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
/** Until the JIT has compiled the hot code. */
const WARM_UP_S = 5;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seconds: { type: "string", default: "2" },
    connections: { type: "string", default: "32" },
  },
});
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(
  Number,
);

const CASES: { name: string; request: Request }[] = [
  { name: "GET, 1 kB", request: { method: "GET", path: "/1k" } },
  {
    name: "GET with a session, 1 kB",
    request: { method: "GET", path: "/1k", headers: { cookie: "theme=dark; sid=5a1b3c" } },
  },
  { name: "GET, 15 kB", request: { method: "GET", path: "/15k" } },
  {
    name: "POST with a key, 1 kB each way",
    request: {
      method: "POST",
      path: "/1k",
      headers: { "idempotency-key": "k1" },
      body: "x".repeat(1_000),
    },
  },
];

const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-bench-"));
try {
  await using started = new AsyncDisposableStack();
  const tasks = started.use(await startTasks(folder));
  const servers = {
    direct: tasks,
    local: started.use(await startLocal(folder, tasks.url)),
    haproxy: started.use(await startHaproxy(folder, tasks.url)),
  };
  const rows = [];
  for (const { name, request } of CASES) rows.push(await compare(name, request, servers));
  report(rows);
  await save(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

type Servers = Record<"direct" | "local" | "haproxy", EdgeServer>;
type Taken = Record<keyof Servers, Loaded[]>;
type Row = Awaited<ReturnType<typeof compare>>;

function perCpuS(it: Loaded): number {
  return it.requests / it.cpuS;
}

/** Alternating, so that other load affects all servers equally. */
async function compare(name: string, request: Request, servers: Servers) {
  const busy: Taken = { direct: [], local: [], haproxy: [] };
  const calm: Taken = { direct: [], local: [], haproxy: [] };
  const kinds = ["direct", "local", "haproxy"] as const;
  const run = ({ url, pids }: EdgeServer, clients = 1, forS = seconds): Promise<Loaded> =>
    load(url, request, { connections: clients, seconds: forS ?? 1, pids });
  await run(servers.local, connections, WARM_UP_S);
  for (let round = 0; round < (rounds ?? 1); round += 1) {
    for (const kind of kinds) {
      busy[kind].push(await run(servers[kind], connections));
      calm[kind].push(await run(servers[kind]));
    }
  }
  const added = (kind: "local" | "haproxy", quantile: "p50Ms" | "p99Ms"): number =>
    median(calm[kind].map((it, at) => it[quantile] - (calm.direct[at]?.[quantile] ?? Number.NaN)));
  const summary = (kind: "local" | "haproxy") => ({
    requestsPerCpuS: Math.round(median(busy[kind].map(perCpuS))),
    requestsPerS: Math.round(median(busy[kind].map((it) => it.requests / it.wallS))),
    p99Ms: median(busy[kind].map((it) => it.p99Ms)),
    addedP50Ms: added(kind, "p50Ms"),
    addedP99Ms: added(kind, "p99Ms"),
  });
  const ratios = busy.local.map((it, at) => perCpuS(it) / perCpuS(busy.haproxy[at] ?? it));
  return {
    name,
    local: summary("local"),
    haproxy: summary("haproxy"),
    ratio: median(ratios),
    ratios,
  };
}

function report(rows: readonly Row[]): void {
  say(
    "\n| | requests per CPU s | HAProxy | ratio (worst–best) | added p50 ms | HAProxy | added p99 ms | HAProxy |",
  );
  say("|---|---|---|---|---|---|---|---|");
  for (const { name, local, haproxy, ratio, ratios } of rows) {
    const cells = [
      name,
      local.requestsPerCpuS,
      haproxy.requestsPerCpuS,
      `${ratio.toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
      local.addedP50Ms.toFixed(3),
      haproxy.addedP50Ms.toFixed(3),
      local.addedP99Ms.toFixed(3),
      haproxy.addedP99Ms.toFixed(3),
    ];
    say(`| ${cells.join(" | ")} |`);
  }
}

async function save(rows: readonly Row[]): Promise<void> {
  await mkdir(OUT, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const result = { at: new Date().toISOString(), machine, ...values, rows };
  await writeFile(path.join(OUT, "edge.json"), `${JSON.stringify(result, null, 2)}\n`);
}
