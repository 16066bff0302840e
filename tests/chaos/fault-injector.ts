import { setTimeout as delay } from "node:timers/promises";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";

import { isRunning } from "../harness/processes.ts";
import { until } from "../harness/program.ts";
import { seededRandom } from "../harness/random.ts";
import type { Installation } from "./installation.ts";

const KINDS = [
  "kill a worker",
  "end a worker",
  "restart a service",
  "kill the replica",
  "kill the primary",
] as const;
type Kind = (typeof KINDS)[number];

/** An injected fault, and the period in which it may affect requests: ms of `performance.now()`. */
export type Fault = { kind: Kind; service?: ServiceName; fromMs: number; toMs: number };

export type FaultInjector = {
  faults: Fault[];
  /** Resolves when the last fault is over and everything has been restarted. */
  done: Promise<void>;
};

const PAUSE_MS = { min: 1_500, spread: 2_500 };
const DOWN_MS = { min: 500, spread: 2_500 };

/** Injects faults at seeded random times until the end; every kind once before any is repeated. */
export function injectFaults(
  installation: Installation,
  { seed, ms, signal }: { seed: number; ms: number; signal: AbortSignal },
): FaultInjector {
  const random = seededRandom(seed);
  const faults: Fault[] = [];
  const endMs = performance.now() + ms;
  const oneOf = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

  async function takeDown(server: Installation["primary"], kind: Kind): Promise<void> {
    const fault: Fault = { kind, fromMs: performance.now(), toMs: Infinity };
    faults.push(fault);
    await server.kill();
    await delay(DOWN_MS.min + random() * DOWN_MS.spread);
    await server.start();
    for (const service of SERVICE_NAMES) {
      await until(`${service} to be ready`, async () => isReady(installation.urls[service]));
    }
    fault.toMs = performance.now();
  }

  async function inject(kind: Kind): Promise<void> {
    if (kind === "kill the replica") return takeDown(installation.replica, kind);
    if (kind === "kill the primary") return takeDown(installation.primary, kind);
    const service = oneOf(SERVICE_NAMES) ?? "billing";
    const fault: Fault = { kind, service, fromMs: performance.now(), toMs: performance.now() };
    faults.push(fault);
    if (kind === "restart a service") {
      // If a new worker dies while it starts, the old ones keep running.
      await installation.workers[service].restart().catch(() => undefined);
      fault.toMs = performance.now();
      return;
    }
    const pid = oneOf(installation.pids(service));
    if (pid === undefined) return;
    process.kill(pid, kind === "kill a worker" ? "SIGKILL" : "SIGTERM");
    if (kind === "kill a worker") await until(`the end of ${pid}`, () => !isRunning(pid));
    fault.toMs = performance.now();
  }

  async function run(): Promise<void> {
    let left: Kind[] = [];
    while (performance.now() < endMs && !signal.aborted) {
      await delay(PAUSE_MS.min + random() * PAUSE_MS.spread);
      if (left.length === 0) left = [...KINDS, "kill a worker", "kill a worker", "end a worker"];
      const [kind] = left.splice(Math.floor(random() * left.length), 1);
      if (kind !== undefined) await inject(kind);
    }
  }
  return { faults, done: run() };
}

/** False also for a broken connection, because its worker may have been killed. */
const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  );
