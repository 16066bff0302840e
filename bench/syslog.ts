/**
 * The cost of receiving syslog over TCP, beside the receivers of rsyslog and syslog-ng in the same run:
 * `node bench/syslog.ts [--lines 1000000] [--rounds 3]`. The contenders run in turns and get the same bytes; a time counts
 * only if all lines arrived. Quarterdeck's index is measured too: it parses and stores the lines, which the others do not.
 */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { freePort } from "#platform/free-port.ts";

import { until } from "../tests/harness/program.ts";
import { writeAccessLog } from "./lib/access-log.ts";
import { median } from "./lib/measure.ts";
import { type Receiving, syslogContenders } from "./lib/syslog-contenders.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
const HEADER = "<190>1 2026-03-14T10:11:12.345678+00:00 edge-1 nginx 44 - - ";
const BLOCK_BYTES = 256 * 1024;
const WAIT_MS_MAX = 300_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Sample = { name: string; cpuS: number; wallS: number; rssMbPeak: number };

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
const lines = Number(values.lines);
const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-bench-"));
try {
  await mkdir(OUT, { recursive: true });
  const stream = await messages();
  const samples: Sample[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { name, missing, start } of syslogContenders()) {
      if (missing !== undefined)
        say(`!! ${name} is not installed and is LEFT OUT. To have it: ${missing}`);
      else samples.push(...(await receive(name, start, stream)));
    }
  }
  await report(samples);
} finally {
  await rm(folder, { recursive: true });
}

/** The lines of an access log as syslog messages, with line ends. */
async function messages(): Promise<string> {
  const log = path.join(folder, "access.log");
  await writeAccessLog(log, lines);
  const file = path.join(folder, "messages");
  let text = "";
  await writeFile(file, "");
  for await (const line of createInterface({ input: createReadStream(log, "latin1") })) {
    text += `${HEADER}${line}\n`;
    if (text.length < BLOCK_BYTES) continue;
    await writeFile(file, text, { flag: "a", encoding: "latin1" });
    text = "";
  }
  await writeFile(file, text, { flag: "a", encoding: "latin1" });
  return file;
}

/** What the processes of a contender used from before the first byte to the last line. */
async function receive(
  name: string,
  start: (folder: string, port: number) => Promise<Receiving>,
  stream: string,
): Promise<Sample[]> {
  const own = await mkdtemp(path.join(folder, "run-"));
  const port = await freePort();
  await using receiving = await start(own, port);
  const socket = await until(`${name} to listen`, async () => {
    const opened = connect(port, "127.0.0.1");
    return once(opened, "connect").then(
      () => opened,
      () => undefined,
    );
  });
  const before = receiving.used();
  const startMs = performance.now();
  for await (const block of createReadStream(stream, { highWaterMark: BLOCK_BYTES })) {
    if (!socket.write(block)) await once(socket, "drain");
  }
  socket.end();
  await until(`${name} to have all lines`, () => receiving.hasAll(lines), WAIT_MS_MAX);
  const wallS = (performance.now() - startMs) / 1_000;
  const samples = receiving.used().map(({ part, cpuS, rssMbPeak }, index) => ({
    name: part === "" ? name : `${name}, ${part}`,
    cpuS: cpuS - (before[index]?.cpuS ?? 0),
    wallS,
    rssMbPeak,
  }));
  for (const sample of samples)
    say(`${sample.name}: ${sample.cpuS.toFixed(2)} s CPU, ${wallS.toFixed(2)} s`);
  return samples;
}

async function report(samples: readonly Sample[]): Promise<void> {
  say("\n| | CPU s per million lines | wall s | peak MB |\n|---|---|---|---|");
  const rows = [...new Set(samples.map(({ name }) => name))].map((name) => {
    const own = samples.filter((it) => it.name === name);
    return {
      name,
      cpuSPerMillion: (median(own.map(({ cpuS }) => cpuS)) * 1e6) / lines,
      wallS: median(own.map(({ wallS }) => wallS)),
      rssMbPeak: Math.max(...own.map(({ rssMbPeak }) => rssMbPeak)),
    };
  });
  for (const { name, cpuSPerMillion, wallS, rssMbPeak } of rows) {
    say(
      `| ${name} | ${cpuSPerMillion.toFixed(2)} | ${wallS.toFixed(2)} | ${rssMbPeak.toFixed(0)} |`,
    );
  }
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const result = { at: new Date().toISOString(), machine, lines, rows };
  await writeFile(path.join(OUT, "syslog.json"), `${JSON.stringify(result, null, 2)}\n`);
}
