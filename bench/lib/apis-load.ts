import { readFileSync } from "node:fs";
import { type Socket, connect } from "node:net";

import { childrenOf } from "../../tests/harness/processes.ts";

export type Request = {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
};

export type Loaded = {
  requests: number;
  wallS: number;
  /** Of the server and its database. */
  cpuS: number;
  databaseCpuS: number;
  p50Ms: number;
  p99Ms: number;
};

/** USER_HZ of Linux, in which /proc counts: 100 on every system that Node runs on. */
const TICKS_PER_S = 100;
const HEAD_END = "\r\n\r\n";

/**
 * Repeats a request on this many connections, the next one after each response, and measures the CPU time of the server
 * processes.
 * @throws Error when a response has another status than 2xx: then nothing was measured
 */
export async function load(
  url: string,
  request: Request,
  options: {
    connections: number;
    seconds: number;
    pids: readonly number[];
    /** The main process of the database, if the server uses one. */
    databasePid?: number;
  },
): Promise<Loaded> {
  const bytes = bytesOf(url, request);
  const tookMs: number[] = [];
  const until = performance.now() + options.seconds * 1_000;
  const startedMs = performance.now();
  const databaseBefore = databaseCpuS(options.databasePid);
  const cpuBefore = cpuSOf(options.pids);
  const awake = stayAwake();
  await Promise.all(
    Array.from({ length: options.connections }, () => client(url, bytes, { until, tookMs })),
  );
  awake.stop();
  const ownCpuS = cpuSOf(options.pids) - cpuBefore;
  const ofDatabaseS = databaseCpuS(options.databasePid) - databaseBefore;
  const sorted = tookMs.toSorted((a, b) => a - b);
  return {
    requests: tookMs.length,
    wallS: (performance.now() - startedMs) / 1_000,
    cpuS: ownCpuS + ofDatabaseS,
    databaseCpuS: ofDatabaseS,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
  };
}

/**
 * Busy-waits for responses: waking a sleeping client would be counted as CPU time of the server, and on a virtual machine
 * costs more than the response.
 */
function stayAwake(): { stop(): void } {
  let stopped = false;
  const turn = (): void => {
    if (!stopped) setImmediate(turn);
  };
  turn();
  return {
    stop() {
      stopped = true;
    },
  };
}

function bytesOf(url: string, { method, path, headers = {}, body = "" }: Request): Buffer {
  const all = {
    host: new URL(url).host,
    ...headers,
    ...(body === "" ? {} : { "content-type": "application/json" }),
    ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

async function client(
  url: string,
  bytes: Buffer,
  { until, tookMs }: { until: number; tookMs: number[] },
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true);
  try {
    await new Promise<void>((resolve, reject) =>
      exchange(socket, { bytes, until, tookMs, resolve, reject }),
    );
  } finally {
    socket.destroy();
  }
}

type Exchange = {
  bytes: Buffer;
  until: number;
  tookMs: number[];
  resolve(): void;
  reject(error: Error): void;
};

function exchange(socket: Socket, { bytes, until, tookMs, resolve, reject }: Exchange): void {
  let sentMs = 0;
  let text = "";
  const send = (): void => {
    sentMs = performance.now();
    socket.write(bytes);
  };
  socket.setEncoding("latin1");
  socket.on("connect", send);
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the server closed a connection")));
  socket.on("data", (chunk: string) => {
    text += chunk;
    const headEnd = text.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < headEnd + HEAD_END.length + length) return;
    if (!/^HTTP\/1\.1 2\d\d /.test(text)) {
      reject(new Error(`answered ${text.slice(0, 2_000)}`));
      return;
    }
    text = "";
    tookMs.push(performance.now() - sentMs);
    if (performance.now() < until) send();
    else resolve();
  });
}

/** User and system time of processes so far, with all their threads. */
function cpuSOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid).own / TICKS_PER_S, 0);
}

/** Of a process with the processes that it has started, including ended ones. */
function databaseCpuS(pid: number | undefined): number {
  if (pid === undefined) return 0;
  return cpuSOf([pid, ...childrenOf({ pid })]) + ticksOf(pid).ofEndedChildren / TICKS_PER_S;
}

function ticksOf(pid: number): { own: number; ofEndedChildren: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return { own: user + system, ofEndedChildren: childrenUser + childrenSystem };
}
