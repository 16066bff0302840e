import { randomBytes } from "node:crypto";
import { Agent } from "node:http";

import { NoAnswer, send } from "#deployer/edge/testing/client.ts";

import type { Ask } from "./deploy-requests.ts";

/** A workload as clients know it: where the edge serves it, and what is asked for. */
export type LoadedWorkload = { name: string; url: string; asks: readonly Ask[] };

/** To the process that sends the requests. */
export type LoadOrder =
  | { order: "start"; workloads: readonly LoadedWorkload[]; clients: number }
  | { order: "stop" };

/** How a request failed, by the definition that the report prints. */
export const FAILURES = ["connection", "timeout", "status", "integrity"] as const;
export type Failure = (typeof FAILURES)[number];

export type LoadState = {
  requests: number;
  failed: Record<Failure, number>;
  /** The first ones, for people. */
  examples: string[];
  /** Those that did not fail. */
  answered: number;
  /** Latency in ms; of the requests of the last report if there are many. */
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
};

const PUBLIC_SHARE = 6;
const READ_SHARE = 3;
const SHARES = 10;
const ID_BYTES = 12;
const SHOWN_CHARS = 300;
const ANSWER_MS_MAX = 15_000;
const EXAMPLES_MAX = 10;
const REPORT_MS = 500;
const SAMPLES_MAX = 200_000;

const state: LoadState = {
  requests: 0,
  failed: { connection: 0, timeout: 0, status: 0, integrity: 0 },
  examples: [],
  answered: 0,
  p50Ms: Number.NaN,
  p99Ms: Number.NaN,
  maxMs: 0,
};
const tookMs: number[] = [];
const stopping = new AbortController();

process.on("message", (order: LoadOrder) => {
  if (order.order === "stop") stopping.abort();
  else void run(order.workloads, order.clients);
});
process.on("disconnect", () => process.exit(1));

/** Closed loop: each client sends its next request when the last one was answered, on connections that are kept. */
async function run(workloads: readonly LoadedWorkload[], clients: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, scheduling: "fifo" });
  const reports = setInterval(report, REPORT_MS);
  await Promise.all(Array.from({ length: clients }, (_, at) => client(workloads, at, agent)));
  clearInterval(reports);
  agent.destroy();
  report();
  process.disconnect();
}

async function client(
  workloads: readonly LoadedWorkload[],
  at: number,
  agent: Agent,
): Promise<void> {
  for (let turn = at * SHARES; !stopping.signal.aborted; turn += 1) {
    const workload = workloads[(turn + at) % workloads.length];
    if (workload === undefined) return;
    await one(workload, turn, agent);
  }
}

/** 60 % public, 30 % reads, 10 % writes. */
function askOf({ asks }: LoadedWorkload, turn: number): Ask | undefined {
  const share = (turn * 7) % SHARES;
  if (share < PUBLIC_SHARE) return asks[0];
  return share < PUBLIC_SHARE + READ_SHARE ? asks[1] : asks[2];
}

async function one(workload: LoadedWorkload, turn: number, agent: Agent): Promise<void> {
  const ask = askOf(workload, turn);
  if (ask === undefined) return;
  const startedMs = performance.now();
  try {
    judge(workload.name, ask, await exchange(workload.url, ask, agent));
  } catch (error) {
    fail(
      error instanceof NoAnswer ? "timeout" : "connection",
      `${workload.name} ${ask.path}: ${String(error)}`,
    );
  }
  state.requests += 1;
  const ms = performance.now() - startedMs;
  state.maxMs = Math.max(state.maxMs, ms);
  const at = tookMs.length < SAMPLES_MAX ? tookMs.length : Math.floor(Math.random() * SAMPLES_MAX);
  tookMs[at] = ms;
}

type Answer = { status: number; release: string | undefined; text: string };

function judge(workload: string, ask: Ask, { status, release, text }: Answer): void {
  const what = `${workload} ${ask.kind} ${ask.path}`;
  if (status !== ask.status) {
    fail("status", `${what}: ${status} ${text.slice(0, SHOWN_CHARS)}`);
  } else if (release === undefined || !isWhole(text)) {
    fail("integrity", `${what}: release ${release}, ${text.length} characters`);
  } else {
    state.answered += 1;
  }
}

function fail(kind: Failure, example: string): void {
  state.failed[kind] += 1;
  if (state.examples.length < EXAMPLES_MAX) {
    state.examples.push(`${new Date().toISOString()} ${kind}: ${example}`);
  }
}

/** All that is asked for answers with JSON, so a response that was cut does not parse. */
function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** `{id}` in the path or the body is a new number each time, which is also the Idempotency-Key of a write. */
async function exchange(
  url: string,
  { kind, path, headers, body }: Ask,
  agent: Agent,
): Promise<Answer> {
  const id = randomBytes(ID_BYTES).toString("hex");
  const write = { "content-type": "application/json", "idempotency-key": id };
  const answer = await send(`${url}${path.replaceAll("{id}", id)}`, {
    method: kind === "write" ? "POST" : "GET",
    headers: { ...headers, ...(kind === "write" ? write : {}) },
    ...(body === undefined ? {} : { body: body.replaceAll("{id}", id) }),
    agent,
    msMax: ANSWER_MS_MAX,
  });
  const release = answer.headers["x-release"];
  const answered = typeof release === "string" ? release : undefined;
  return { status: answer.status, release: answered, text: answer.body };
}

function report(): void {
  const sorted = Float64Array.from(tookMs).toSorted();
  state.p50Ms = sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN;
  state.p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  process.send?.(state);
}
