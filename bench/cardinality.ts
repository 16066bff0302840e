/**
 * The memory of an ingest whose values are all different: `node bench/cardinality.ts [--lines 1000000]`. Of an hour of requests every
 * path, user agent and address differs, and of JSON events 5,000 field names. It fails if the process exceeds a bound, or if
 * the number of requests is wrong.
 */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { z } from "zod";

import { v8FlagsOf } from "../bin/v8-flags.mjs";
import { measure } from "./lib/measure.ts";

/** Of the whole process, with its two WebAssembly and JavaScript heaps and DuckDB. */
const RSS_MB_MAX = 640;
const FIELD_NAMES = 5_000;
const BEGIN_MS = Date.UTC(2026, 2, 14, 10);
const HOUR_MS = 3_600_000;
const CLI = fileURLToPath(new URL("../bin/cli.mjs", import.meta.url));
const Answer = z.object({
  series: z.array(z.object({ key: z.string().nullable(), value: z.number() })),
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { lines: { type: "string", default: "1000000" } } });
const lines = Number(values.lines);
const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-cardinality-"));
try {
  const processing = path.join(folder, "processing.yaml");
  await writeFile(processing, "userAgents: true\nlearnRoutes: true\n");
  await ingestAll("requests", accessLine);
  await ingestAll("requests, with parsed user agents and learnt routes", accessLine, processing);
  await ingestAll(`events with ${FIELD_NAMES} field names`, jsonLine);
} finally {
  await rm(folder, { recursive: true });
}

async function ingestAll(
  what: string,
  lineOf: (n: number) => string,
  processing = "none",
): Promise<void> {
  const data = path.join(folder, "data");
  const log = path.join(folder, "some.log");
  await write(log, lineOf);
  process.env["QUARTERDECK_PROCESSING"] = processing;
  const command = [process.execPath, ...v8FlagsOf(["ingest"]), CLI, "ingest", log, "--data", data];
  const taken = await measure(command);
  if (taken.exitCode !== 0) throw new Error(`the ingest failed: ${taken.stderr}`);
  const rssMb = taken.rssBytesPeak / 1e6;
  say(`${lines} ${what}: ${rssMb.toFixed(0)} MB at most, ${taken.cpuS.toFixed(1)} s CPU`);
  if (lineOf === accessLine) await sayRoutes(data);
  if (rssMb > RSS_MB_MAX) throw new Error(`more than ${RSS_MB_MAX} MB`);
  await rm(data, { recursive: true });
}

/** What the board shows of the routes: their number, and the requests in `(other)`. */
async function sayRoutes(data: string): Promise<void> {
  const range = [
    "--from",
    new Date(BEGIN_MS).toISOString(),
    "--to",
    new Date(BEGIN_MS + HOUR_MS).toISOString(),
  ];
  const query = ["query", "requests", "--by", "route", "--limit", "1000", "--json", ...range];
  const { stdout } = await measure([process.execPath, CLI, ...query, "--data", data]);
  const { series } = Answer.parse(JSON.parse(stdout));
  const total = series.reduce((sum, { value }) => sum + value, 0);
  const other = series.find(({ key }) => key === "(other)")?.value ?? 0;
  say(`  ${series.length} routes are listed; ${other} of ${total} requests are in (other)`);
  if (total !== lines) throw new Error(`${total} requests instead of ${lines}`);
}

async function write(file: string, lineOf: (n: number) => string): Promise<void> {
  const out = createWriteStream(file, { highWaterMark: 1 << 20 });
  for (let n = 0; n < lines;) {
    let text = "";
    for (const end = Math.min(lines, n + 10_000); n < end; n += 1) text += lineOf(n);
    if (!out.write(text)) await once(out, "drain");
  }
  out.end();
  await finished(out);
}

function timeOf(n: number): string {
  return new Date(BEGIN_MS + Math.floor((n * HOUR_MS) / lines)).toISOString();
}

function accessLine(n: number): string {
  const address = [11 + (n >>> 24), (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join(".");
  const word = (Math.imul(n, 0x9e3779b1) >>> 0).toString(36);
  const agent = `Mozilla/5.0 (X11; Linux x86_64) Client-${word}/${n}.0`;
  const time = `14/Mar/2026:${timeOf(n).slice(11, 19)} +0000`;
  return `${address} - - [${time}] "GET /p/${word}name/${n.toString(36)}x HTTP/1.1" 200 ${n % 9000} "-" "${agent}"\n`;
}

function jsonLine(n: number): string {
  const event = {
    "@timestamp": timeOf(n),
    "data_stream.dataset": "shop.app",
    message: "m",
    [`labels.f${n % FIELD_NAMES}`]: `v${n}`,
    [`custom.n${(n * 7) % FIELD_NAMES}`]: n,
  };
  return `${JSON.stringify(event)}\n`;
}
