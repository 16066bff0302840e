/**
 * The cost of a request to the domain APIs, compared with a bare server of the same HTTP library, and with Fastify with
 * validation, a token check and an access log, which send the same bytes:
 * `node bench/apis.ts [--rounds 20] [--seconds 1] [--connections 16] [--only NAME,NAME]`.
 * Each service runs as `quarterdeck api` runs it, with one worker, on a PostgreSQL of its own, whose CPU time counts too.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, parseArgs } from "node:util";

import { startEmbedded } from "#platform/postgres/embedded.ts";

import { CASES, type Case } from "./lib/apis-cases.ts";
import { type Loaded, type Request, load } from "./lib/apis-load.ts";
import { documentOf, rivalTask } from "./lib/apis-rival.ts";
import { type Server, startBare, startFastify, startService } from "./lib/apis-servers.ts";
import { median } from "./lib/measure.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
/** Warm-up until the JIT has compiled the hot code. */
const WARM_UP_S = 6;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "16" },
    only: { type: "string" },
  },
});

const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-bench-"));
try {
  await using started = new AsyncDisposableStack();
  const database = await startEmbedded(folder);
  started.defer(() => database.stop());
  const databasePid = postmasterPidOf(folder);
  const rootKey = randomBytes(32).toString("base64url");
  const env = {
    DATABASE_URL: database.url,
    API_ROOT_KEY: rootKey,
    // One caller sends all requests.
    API_REQUESTS_PER_SECOND: "1000000",
  };
  const rows = [];
  for (const { service, names, prepare } of CASES) {
    if (!names.some(isWanted)) continue;
    await using server = await startService(service, folder, env);
    for (const one of await prepare(server.url, { authorization: `Bearer ${rootKey}` })) {
      if (isWanted(one.name)) rows.push(await compare(one, { server, databasePid }));
    }
  }
  report(rows);
  await save(rows);
  if (rows.some((it) => it.ratio < (it.ratioMin ?? 0))) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The first line of the file with which PostgreSQL marks its folder. */
function postmasterPidOf(dataFolder: string): number {
  const file = path.join(dataFolder, "postgres", "cluster", "postmaster.pid");
  return Number.parseInt(readFileSync(file, "utf8"), 10);
}

function isWanted(name: string): boolean {
  return values.only?.split(",").some((part) => name.includes(part)) ?? true;
}

type Compared = { server: Server; databasePid: number };
type Row = Awaited<ReturnType<typeof compare>>;

/** Alternating, so that other load affects all servers equally. */
async function compare(one: Case, { server, databasePid }: Compared) {
  const { request, name } = one;
  const { method, headers, body } = request;
  const response = await fetch(`${server.url}${request.path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const { pathname } = new URL(request.path, server.url);
  const text = await response.text();
  const { status } = response;
  await using bare = await startBare([{ method, path: pathname, status, text }]);
  const document = await documentOf(server.url);
  const task = rivalTask(document, { method, path: pathname, status, body: JSON.parse(text) });
  await using fastify = await startFastify(task, folder);
  const ownToken = { authorization: `Bearer ${fastify.token}` };
  const toFastify = { ...request, headers: { ...headers, ...ownToken } };
  await checkSame(fastify.url, toFastify, text);
  const taken: Record<"bare" | "fastify" | "own", Loaded[]> = { bare: [], fastify: [], own: [] };
  const run = (at: Server, seconds: number, sent = request): Promise<Loaded> =>
    load(at.url, sent, {
      connections: Number(values.connections),
      seconds,
      pids: at.pids(),
      ...(at === server && { databasePid }),
    });
  const seconds = Number(values.seconds);
  for (const at of [bare, server]) await run(at, WARM_UP_S);
  await run(fastify, WARM_UP_S, toFastify);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    taken.bare.push(await run(bare, seconds));
    taken.own.push(await run(server, seconds));
    taken.fastify.push(await run(fastify, seconds, toFastify));
  }
  const ratios = ratiosOf(taken.own, taken.bare);
  return {
    name,
    bytes: Buffer.byteLength(text),
    own: summary(taken.own),
    bare: summary(taken.bare),
    databaseShare: median(taken.own.map(({ cpuS, databaseCpuS }) => databaseCpuS / cpuS)),
    ratio: median(ratios),
    ratioWorst: Math.min(...ratios),
    ratioBest: Math.max(...ratios),
    ratioMin: one.ratioMin ?? null,
    fastify: summary(taken.fastify),
    ratioToFastify: median(ratiosOf(taken.own, taken.fastify)),
  };
}

function ratiosOf(own: readonly Loaded[], other: readonly Loaded[]): number[] {
  return own.map((it, round) => perCpuS(it) / perCpuS(other[round]));
}

/** The order of fields may differ. @throws Error if the response has other bytes, because costs are not comparable then */
async function checkSame(url: string, request: Request, text: string): Promise<void> {
  const { method, path: target, headers = {}, body } = request;
  const response = await fetch(`${url}${target}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const given = await response.text();
  const isSame =
    given.length === text.length && isDeepStrictEqual(JSON.parse(given), JSON.parse(text));
  if (!isSame) throw new Error(`${url}${target} answered ${given} instead of ${text}`);
}

function perCpuS(it: Loaded | undefined): number {
  return it ? it.requests / it.cpuS : Number.NaN;
}

function summary(taken: readonly Loaded[]) {
  return {
    requestsPerCpuS: Math.round(median(taken.map(perCpuS))),
    requestsPerS: Math.round(median(taken.map((it) => it.requests / it.wallS))),
    p99Ms: median(taken.map((it) => it.p99Ms)),
  };
}

function report(rows: readonly Row[]): void {
  say(
    "\n| | bytes | requests per CPU s | of it PostgreSQL | p99 ms | bare: requests per CPU s | p99 ms | ratio (worst–best) | must be | Fastify: requests per CPU s | p99 ms | ratio |",
  );
  say("|---|---|---|---|---|---|---|---|---|---|---|---|");
  for (const row of rows) {
    const spread = `${row.ratio.toFixed(2)} (${row.ratioWorst.toFixed(2)}–${row.ratioBest.toFixed(2)})`;
    const cells = [
      row.name,
      row.bytes,
      row.own.requestsPerCpuS,
      `${(row.databaseShare * 100).toFixed(0)} %`,
      row.own.p99Ms.toFixed(2),
      row.bare.requestsPerCpuS,
      row.bare.p99Ms.toFixed(2),
      spread,
      row.ratioMin === null ? "–" : `≥ ${row.ratioMin.toFixed(2)}`,
      row.fastify.requestsPerCpuS,
      row.fastify.p99Ms.toFixed(2),
      row.ratioToFastify.toFixed(2),
    ];
    say(`| ${cells.join(" | ")} |`);
  }
}

async function save(rows: readonly Row[]): Promise<void> {
  await mkdir(OUT, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const result = { at: new Date().toISOString(), machine, ...values, rows };
  await writeFile(path.join(OUT, "apis.json"), `${JSON.stringify(result, null, 2)}\n`);
}
