import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import path from "node:path";

import { until } from "../../tests/harness/program.ts";
import { contenders } from "./contenders.ts";
import {
  type DoorContender,
  doorContenders,
  type Receiving,
  type Target,
} from "./door-contenders.ts";
import { type Payload, type PayloadName, PAYLOADS, writePayload } from "./door-payloads.ts";
import { measure, median } from "./measure.ts";

/** Requests that are sent at a time, as shippers with two workers do. */
const CONNECTIONS = 2;
const WAIT_MS_MAX = 300_000;
const DOORS: Record<PayloadName, string> = {
  filebeat: "_bulk, Filebeat's documents of lines",
  parsed: "_bulk, documents with parsed fields",
  otlp: "OTLP over HTTP, lines",
  syslog: "syslog over TCP, lines",
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Log = { path: string; lines: number };
type Sample = { cpuS: number; parts: Record<string, number>; wallS: number; rssMbPeak: number };
/** `ratio`: of its CPU time to that of reading the same lines from a file. */
export type DoorRow = {
  door: string;
  name: string;
  does: string;
  cpuSPerMillion: number;
  partsPerMillion: Record<string, number>;
  wallSPerMillion: number;
  rssMbPeak: number;
  ratio: number;
};

/** Sends the same lines through each door to each contender, in turns. A time counts only if all events are found afterwards. */
export async function benchDoors(
  log: Log,
  folder: string,
  { rounds, only }: { rounds: number; only: readonly string[] },
): Promise<DoorRow[]> {
  const all = await doorContenders();
  for (const { name, missing } of all) {
    if (missing !== undefined)
      say(`!! ${name} is not there and is LEFT OUT. To have it: ${missing}`);
  }
  const rows: DoorRow[] = [];
  const chosen = PAYLOADS.filter((name) => only.some((part) => name.includes(part)));
  for (const name of chosen) {
    const payload = await writePayload(name, log.path, folder);
    const takes = all.filter((it) => it.missing === undefined && it.payloads.includes(name));
    const samples = new Map<string, Sample[]>();
    const add = (contender: string, sample: Sample): void => {
      samples.set(contender, [...(samples.get(contender) ?? []), sample]);
      const parts = named(sample.parts).map(([part, cpuS]) => `${part} ${cpuS.toFixed(2)}`);
      say(
        `${name}: ${contender}: ${sample.cpuS.toFixed(2)} s CPU${parts.length > 0 ? ` (${parts.join(", ")})` : ""}, ${sample.wallS.toFixed(2)} s`,
      );
    };
    for (let round = 0; round < rounds; round += 1) {
      add("file", await readFile(log, folder));
      for (const contender of takes) {
        add(contender.name, await receive(contender, { name, payload, log, folder }));
      }
    }
    rows.push(...rowsOf(samples, { name, takes, lines: log.lines }));
    await rm(payload.file);
  }
  return rows;
}

/** A contender of one process has a single part without a name. */
const named = (parts: Record<string, number>): [string, number][] =>
  Object.entries(parts).filter(([part]) => part !== "");

/** `quarterdeck ingest` of the same lines in a file. */
async function readFile(log: Log, folder: string): Promise<Sample> {
  const own = await mkdtemp(path.join(folder, "run-"));
  const [quarterdeck] = contenders();
  if (!quarterdeck) throw new Error("the file path is not there");
  const { command } = quarterdeck.prepare(log.path, own);
  const { exitCode, stderr, cpuS, wallS, rssBytesPeak } = await measure(command);
  if (exitCode !== 0) throw new Error(`quarterdeck ingest failed: ${stderr}`);
  await rm(own, { recursive: true });
  return { cpuS, parts: {}, wallS, rssMbPeak: rssBytesPeak / 1e6 };
}

type Sending = { name: PayloadName; payload: Payload; log: Log; folder: string };

/** What the processes of a contender used from before the first byte until all events are stored. */
async function receive(
  contender: DoorContender,
  { name, payload, log, folder }: Sending,
): Promise<Sample> {
  const own = await mkdtemp(path.join(folder, "run-"));
  const receiving = await contender.start(own);
  try {
    const before = receiving.used();
    const startMs = performance.now();
    await send(payload, receiving.target(name));
    await until(
      `${contender.name} to have all events`,
      // While files are merged, events are counted twice.
      async () =>
        (await receiving.arrived()) >= log.lines && (await receiving.found()) >= log.lines,
      WAIT_MS_MAX,
    );
    const wallS = (performance.now() - startMs) / 1_000;
    const sample = { ...difference(before, receiving.used()), wallS };
    await requireAll(contender, receiving, log.lines);
    return sample;
  } finally {
    await receiving[Symbol.asyncDispose]();
    await rm(own, { recursive: true });
  }
}

async function requireAll(
  { name }: DoorContender,
  receiving: Receiving,
  lines: number,
): Promise<void> {
  const found = await receiving.found();
  if (found !== lines)
    throw new Error(`${name} finds ${found} of ${lines} events: its time does not count`);
}

function difference(
  before: ReturnType<Receiving["used"]>,
  after: ReturnType<Receiving["used"]>,
): Omit<Sample, "wallS"> {
  const entries = Object.entries(after);
  const parts = Object.fromEntries(
    entries.map(([part, { cpuS }]) => [part, cpuS - (before[part]?.cpuS ?? 0)]),
  );
  const cpuS = Object.values(parts).reduce((sum, it) => sum + it, 0);
  return { cpuS, parts, rssMbPeak: entries.reduce((sum, [, it]) => sum + it.rssMbPeak, 0) };
}

async function send(payload: Payload, target: Target): Promise<void> {
  await using file = await open(payload.file);
  const read = async ({ from, bytes }: { from: number; bytes: number }): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(bytes);
    await file.read(buffer, 0, bytes, from);
    return buffer;
  };
  if ("port" in target) {
    const socket = await connected(target.port);
    for (const request of payload.requests) {
      if (!socket.write(await read(request))) await once(socket, "drain");
    }
    socket.end();
    await once(socket, "close");
    return;
  }
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const waiting = payload.requests.values();
  const work = async (): Promise<void> => {
    for (const request of waiting) {
      const body = await read(request);
      await post(target, { body, media: payload.media, agent });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  agent.destroy();
}

async function connected(port: number): Promise<Socket> {
  return until("the listener", async () => {
    const opened = connect(port, "127.0.0.1");
    return once(opened, "connect").then(
      () => opened.resume(),
      () => undefined,
    );
  });
}

/** Also repeats what is refused for now, as shippers do. */
async function post(
  { url, headers }: Extract<Target, { url: string }>,
  { body, media, agent }: { body: Buffer; media: string; agent: Agent },
): Promise<void> {
  await until(
    "the request to be accepted",
    async () => {
      const request = httpRequest(url, {
        method: "POST",
        headers: { ...headers, "content-type": media, "content-length": body.length },
        agent,
      });
      request.end(body);
      const [response] = await once(request, "response");
      const status = Number(response.statusCode);
      response.resume();
      await once(response, "end");
      if (status >= 400 && status !== 429) throw new Error(`${url} answers ${status}`);
      return status < 300;
    },
    WAIT_MS_MAX,
  );
}

function rowsOf(
  samples: ReadonlyMap<string, readonly Sample[]>,
  { name, takes, lines }: { name: PayloadName; takes: readonly DoorContender[]; lines: number },
): DoorRow[] {
  const perMillion = 1e6 / lines;
  const cpuOf = (contender: string): number =>
    median((samples.get(contender) ?? []).map(({ cpuS }) => cpuS)) * perMillion;
  const file = { name: "file", does: "`quarterdeck ingest` of the same lines in a file" };
  return [file, ...takes].map((contender) => {
    const own = samples.get(contender.name) ?? [];
    const parts = Object.keys(own[0]?.parts ?? {});
    const partOf = (part: string): number =>
      median(own.map((it) => it.parts[part] ?? 0)) * perMillion;
    return {
      door: DOORS[name],
      name: contender.name,
      does: contender.does,
      cpuSPerMillion: cpuOf(contender.name),
      partsPerMillion: Object.fromEntries(parts.map((part) => [part, partOf(part)])),
      wallSPerMillion: median(own.map(({ wallS }) => wallS)) * perMillion,
      rssMbPeak: Math.max(...own.map(({ rssMbPeak }) => rssMbPeak)),
      ratio: cpuOf(contender.name) / cpuOf("file"),
    };
  });
}

export function reportDoors(rows: readonly DoorRow[]): void {
  for (const door of new Set(rows.map((row) => row.door))) {
    say(
      `\n${door}\n\n| | CPU s per million events | wall s | peak MB | CPU, ratio to a file |\n|---|---|---|---|---|`,
    );
    for (const row of rows.filter((it) => it.door === door)) {
      const parts = named(row.partsPerMillion);
      const shown = parts.map(([part, cpuS]) => `${part} ${cpuS.toFixed(2)}`).join(", ");
      const cpu = `${row.cpuSPerMillion.toFixed(2)}${shown && ` (${shown})`}`;
      const rest = [row.wallSPerMillion.toFixed(2), row.rssMbPeak.toFixed(0), row.ratio.toFixed(2)];
      say(`| ${[`${row.name} (${row.does})`, cpu, ...rest].join(" | ")} |`);
    }
  }
}
