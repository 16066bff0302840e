/**
 * The cost of ingesting an access log, compared with other programs on the same file in the same run:
 * `node bench/ingest.ts [--lines N] [--rounds 3] [--file LOG] [--only NAME,NAME] [--memory] [--doors]`.
 * The contenders run in turns, each in its own processes; a time counts only if the result is correct.
 */
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { writeAccessLog } from "./lib/access-log.ts";
import { contenders, type Contender, type Statuses } from "./lib/contenders.ts";
import { benchDoors, reportDoors } from "./lib/doors.ts";
import { measure, median, type Measured } from "./lib/measure.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
const MEMORY_LINES = [200_000, 1_000_000, 4_000_000];
const LINES = 1_000_000;
/** Fewer than those at which the store merges its first files, which takes as long as all else and which `ingest` leaves to later. */
const DOOR_LINES = 900_000;
/** A contender that loses or misreads more lines than this is disqualified. */
const WRONG_SHARE_MAX = 0.001;
const STATUS = /" (\d{3}) (?:\d+|-) "/;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Log = { path: string; lines: number; statuses: Statuses };
type Sample = Pick<Measured, "wallS" | "cpuS" | "rssBytesPeak"> & { linesWrong: number };

const { values } = parseArgs({
  options: {
    lines: { type: "string" },
    rounds: { type: "string", default: "3" },
    file: { type: "string" },
    only: { type: "string" },
    memory: { type: "boolean", default: false },
    doors: { type: "boolean", default: false },
  },
});
const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-bench-"));
try {
  await mkdir(OUT, { recursive: true });
  if (values.memory) await benchMemory();
  else if (values.doors) await benchPushed();
  else await benchSpeed();
} finally {
  await rm(folder, { recursive: true });
}

async function benchSpeed(): Promise<void> {
  const log = values.file
    ? await readTruth(values.file)
    : await generate(Number(values.lines ?? LINES));
  const samples = await runRounds(chosen(), log, Number(values.rounds));
  const rows = [...samples].map(([contender, taken]) => summary(contender, taken, log.lines));
  report(rows);
  await save("ingest.json", { lines: log.lines, rounds: Number(values.rounds), rows });
}

/** The same lines through the doors at which shippers push them. */
async function benchPushed(): Promise<void> {
  const log = await generate(Number(values.lines ?? DOOR_LINES));
  const rounds = Number(values.rounds);
  const rows = await benchDoors(log, folder, { rounds, only: values.only?.split(",") ?? [""] });
  reportDoors(rows);
  await save("doors.json", { lines: log.lines, rounds, rows });
}

/** Peak memory of an ingest as the file grows; it stays flat unless memory leaks. */
async function benchMemory(): Promise<void> {
  const rows = [];
  const [quarterdeck] = contenders();
  if (!quarterdeck) return;
  for (const lines of MEMORY_LINES) {
    const log = await generate(lines);
    const taken = await runOnce(quarterdeck, log);
    rows.push({ lines, rssMbPeak: taken.rssBytesPeak / 1e6, cpuS: taken.cpuS, wallS: taken.wallS });
    await rm(log.path);
  }
  for (const { lines, rssMbPeak, cpuS } of rows) {
    say(`${lines} lines: ${rssMbPeak.toFixed(0)} MB at most, ${cpuS.toFixed(2)} s CPU`);
  }
  await save("ingest-memory.json", { rows });
}

function chosen(): Contender[] {
  const wanted = values.only?.split(",") ?? [""];
  const all = contenders().filter(({ name }) => wanted.some((part) => name.includes(part)));
  for (const { name, missing } of all) {
    if (missing) say(`!! ${name} is not installed and is LEFT OUT. To have it: ${missing}`);
  }
  return all.filter(({ missing }) => !missing);
}

/** Alternates, and starts each round with another contender, so that none always gets the cooler machine. */
async function runRounds(
  all: readonly Contender[],
  log: Log,
  rounds: number,
): Promise<Map<Contender, Sample[]>> {
  const samples = new Map<Contender, Sample[]>(all.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % all.length;
    for (const contender of [...all.slice(first), ...all.slice(0, first)]) {
      const taken = await runOnce(contender, log);
      samples.get(contender)?.push(taken);
      say(
        `round ${round + 1}: ${contender.name}: ${taken.cpuS.toFixed(2)} s CPU, ${taken.wallS.toFixed(2)} s`,
      );
    }
  }
  return samples;
}

async function runOnce(contender: Contender, log: Log): Promise<Sample> {
  const own = await mkdtemp(path.join(folder, "run-"));
  const run = contender.prepare(log.path, own);
  const taken = await measure(run.command, run.input);
  if (taken.exitCode !== 0) throw new Error(`${contender.name} failed: ${taken.stderr}`);
  const found = await run.statuses(taken.stdout);
  const linesWrong = countWrong(found, log);
  if (linesWrong > log.lines * WRONG_SHARE_MAX) {
    const both = `${JSON.stringify(found)} instead of ${JSON.stringify(log.statuses)}`;
    throw new Error(`${contender.name} counted ${both}: its time does not count`);
  }
  await rm(own, { recursive: true });
  return { ...taken, linesWrong };
}

/** Lines that a contender lost or read with another status. */
function countWrong(found: Statuses, { statuses }: Log): number {
  const keys = new Set([...Object.keys(found), ...Object.keys(statuses)]);
  const wrong = [...keys].map((key) => Math.abs((found[key] ?? 0) - (statuses[key] ?? 0)));
  return wrong.reduce((sum, count) => sum + count, 0);
}

async function generate(lines: number): Promise<Log> {
  const file = path.join(folder, `access-${lines}.log`);
  const truth = await writeAccessLog(file, lines);
  say(`${lines} lines, ${(truth.bytes / 1e6).toFixed(0)} MB`);
  return { path: file, ...truth };
}

async function readTruth(file: string): Promise<Log> {
  if (!existsSync(file)) throw new Error(`${file}: there is no such file`);
  const log: Log = { path: file, lines: 0, statuses: {} };
  for await (const line of createInterface({ input: createReadStream(file, "latin1") })) {
    const status = STATUS.exec(line)?.[1] ?? "none";
    log.lines += 1;
    log.statuses[status] = (log.statuses[status] ?? 0) + 1;
  }
  return log;
}

type Row = ReturnType<typeof summary>;

function summary({ name, keeps }: Contender, taken: readonly Sample[], lines: number) {
  const perMillion = 1e6 / lines;
  const cpuS = median(taken.map((sample) => sample.cpuS)) * perMillion;
  return {
    name,
    keeps,
    cpuSPerMillion: cpuS,
    cpuSPerMillionBest: Math.min(...taken.map((sample) => sample.cpuS)) * perMillion,
    cpuSPerMillionWorst: Math.max(...taken.map((sample) => sample.cpuS)) * perMillion,
    wallSPerMillion: median(taken.map((sample) => sample.wallS)) * perMillion,
    linesPerCpuS: Math.round(1e6 / cpuS),
    linesWrong: Math.max(...taken.map((sample) => sample.linesWrong)),
    rssMbPeak: Math.max(...taken.map((sample) => sample.rssBytesPeak)) / 1e6,
  };
}

function report(rows: readonly Row[]): void {
  const own = rows[0]?.cpuSPerMillion ?? Number.NaN;
  say(
    "\n| | CPU s per million lines (best–worst) | wall s | lines per CPU s | peak MB | lines wrong | CPU, ratio |",
  );
  say("|---|---|---|---|---|---|---|");
  for (const row of rows) {
    const spread = `${row.cpuSPerMillionBest.toFixed(2)}–${row.cpuSPerMillionWorst.toFixed(2)}`;
    const cells = [
      `${row.name} (${row.keeps})`,
      `${row.cpuSPerMillion.toFixed(2)} (${spread})`,
      row.wallSPerMillion.toFixed(2),
      String(row.linesPerCpuS),
      row.rssMbPeak.toFixed(0),
      String(row.linesWrong),
      (row.cpuSPerMillion / own).toFixed(2),
    ];
    say(`| ${cells.join(" | ")} |`);
  }
}

async function save(name: string, result: object): Promise<void> {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const at = new Date().toISOString();
  await writeFile(path.join(OUT, name), `${JSON.stringify({ at, machine, ...result }, null, 2)}\n`);
}
