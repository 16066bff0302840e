import { readdirSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";

import { bytesIn } from "#pipeline/bus/segments.ts";
import { systemClock } from "#platform/clock.ts";
import { freePort } from "#platform/free-port.ts";
import { kernelDrops } from "#receivers/holder/kernel-drops.ts";
import { TokenRequest } from "#receivers/tokens/push-token.ts";
import { addToken } from "#receivers/tokens/token-file.ts";

import { writeCertificate } from "../harness/certificate.ts";
import { type Program, startProgram, until } from "../harness/program.ts";

const STORED_QUIET_MS = 4_000;
const STORED_MS_MAX = 300_000;

/** The port of each protocol. */
export type Ports = {
  syslogUdp: number;
  syslogTcp: number;
  syslogTls: number;
  relpTcp: number;
  gelfUdp: number;
  gelfTcp: number;
  journalHttp: number;
  http: number;
};

/** `quarterdeck role receive`: a socket holder, and a receiver that is killed while senders go on. */
export type TestReceiver = AsyncDisposable & {
  ports: Ports;
  /** A token for its HTTP port. */
  secret: string;
  /** Paths of the Unix sockets. */
  streamSocket: string;
  datagramSocket: string;
  /** Bytes that were received. */
  received(): Promise<number>;
  /** Kills the receiver with SIGKILL, which its holder starts again. */
  kill(): Promise<void>;
  /** Kills the holder too, and starts both again. */
  killAll(): Promise<void>;
  /** Datagrams that the kernel dropped, because the machine was busy. */
  droppedByKernel(): Promise<number>;
  /** The largest resident sets of holder and receiver so far, MB. */
  rssMbPeak(): number;
  /** Resolves when nothing has arrived for this long. */
  quiet(ms: number): Promise<void>;
  /** Indexes what was received and returns the number of each event, from `n=…` in its line. */
  numbers(): Promise<number[]>;
};

export async function startReceiver(folder: string): Promise<TestReceiver> {
  const data = path.join(folder, "data");
  const streamSocket = path.join(folder, "stream.sock");
  const datagramSocket = path.join(folder, "datagram.sock");
  const { cert, key } = await writeCertificate(folder);
  const ports = await freePorts();
  const env = {
    QUARTERDECK_DATA: data,
    QUARTERDECK_JOURNAL_HTTP: String(ports.journalHttp),
    QUARTERDECK_PUSH_PORT: String(ports.http),
    QUARTERDECK_SYSLOG_UDP: String(ports.syslogUdp),
    QUARTERDECK_SYSLOG_TCP: String(ports.syslogTcp),
    QUARTERDECK_SYSLOG_TLS: String(ports.syslogTls),
    QUARTERDECK_TLS_CERT: cert,
    QUARTERDECK_TLS_KEY: key,
    QUARTERDECK_SYSLOG_SOCKET: streamSocket,
    QUARTERDECK_SYSLOG_DATAGRAM_SOCKET: datagramSocket,
    QUARTERDECK_RELP_TCP: String(ports.relpTcp),
    QUARTERDECK_GELF_UDP: String(ports.gelfUdp),
    QUARTERDECK_GELF_TCP: String(ports.gelfTcp),
  };
  const start = async (): Promise<Program> => {
    const program = startProgram(["role", "receive"], { env });
    await program.printed(/(can be pushed to)/);
    return program;
  };
  let program = await start();
  const request = TokenRequest.parse({ name: "sender" });
  const { secret } = await addToken(data, request, systemClock.nowMs());
  const received = (): Promise<number> => bytesIn(path.join(data, "bus"));
  return {
    ports,
    secret,
    streamSocket,
    datagramSocket,
    received,
    rssMbPeak() {
      const pids = [program.child.pid ?? 0, ...receiversOf(program)];
      return pids.reduce((sum, pid) => sum + rssMbPeakOf(pid), 0);
    },
    droppedByKernel: () => droppedAt(ports.syslogUdp, ports.gelfUdp),
    kill: () => killReceiver(program),
    async killAll() {
      const pids = receiversOf(program);
      await program.end("SIGKILL");
      await until("the end of the receiver", () => !pids.some(isRunning));
      program = await start();
    },
    quiet: (ms) => untilUnchanged("events to arrive", received, ms),
    async numbers() {
      await program.end("SIGTERM");
      return storedNumbers(data);
    },
    [Symbol.asyncDispose]: async () => void (await program.end("SIGTERM")),
  };
}

const freePorts = async (): Promise<Ports> => ({
  syslogUdp: await freePort(),
  syslogTcp: await freePort(),
  syslogTls: await freePort(),
  relpTcp: await freePort(),
  gelfUdp: await freePort(),
  gelfTcp: await freePort(),
  journalHttp: await freePort(),
  http: await freePort(),
});

async function droppedAt(...udpPorts: number[]): Promise<number> {
  const counts = udpPorts.map((port) =>
    kernelDrops({ address: "127.0.0.1", family: "IPv4", port }),
  );
  return (await Promise.all(counts)).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

const orNone = (pids: number[]): number[] | undefined => (pids.length > 0 ? pids : undefined);

/** The processes of receivers that a holder runs, which may be a thread of the program. */
export function receiversOf({ child: { pid } }: Program): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads
    .flatMap((thread) => childrenOf(`/proc/${pid}/task/${thread}`))
    .filter((it) => commandOf(it).includes("receiver-process"));
}

/** Empty if the thread has ended. */
function childrenOf(thread: string): number[] {
  try {
    return readFileSync(`${thread}/children`, "utf8").trim().split(" ").map(Number);
  } catch {
    return [];
  }
}

export const isRunning = (pid: number): boolean => commandOf(pid) !== "";

async function killReceiver(program: Program): Promise<void> {
  const [pid] = await until("a receiver", () => orNone(receiversOf(program)));
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  await until("its end", () => !receiversOf(program).includes(pid ?? 0));
}

/** Empty if the process has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

/** Indexes everything on the bus, and reads the numbers of the events. */
async function storedNumbers(data: string): Promise<number[]> {
  {
    // Otherwise it would read the logs in the usual places.
    await using index = startProgram(["role", "index", path.join(data, "none.log")], {
      env: { QUARTERDECK_DATA: data },
    });
    await index.printed(/(are indexed)/);
    await untilUnchanged("events to be stored", () => bytesOfSegments(data), STORED_QUIET_MS);
  }
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  try {
    const rows = await connection.runAndReadAll(
      `SELECT regexp_extract("event.original", 'n=([0-9]+)', 1)::INT AS number
        FROM read_parquet('${data}/store/events/*.parquet', union_by_name = true)
        WHERE "event.original" LIKE '%n=%'`,
    );
    return rows.getRows().map(([number]) => Number(number));
  } finally {
    connection.closeSync();
    duck.closeSync();
  }
}

async function bytesOfSegments(data: string): Promise<number> {
  const folder = path.join(data, "store", "events");
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) => stat(path.join(folder, name)).catch(() => ({ size: 0 }))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

async function untilUnchanged(
  what: string,
  read: () => Promise<number>,
  quietMs: number,
): Promise<void> {
  let last = -1;
  let sinceMs = performance.now();
  const isUnchanged = async (): Promise<boolean> => {
    const now = await read();
    if (now !== last) sinceMs = performance.now();
    last = now;
    return now > 0 && performance.now() - sinceMs > quietMs;
  };
  await until(what, isUnchanged, STORED_MS_MAX);
}

const rssMbPeakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;
