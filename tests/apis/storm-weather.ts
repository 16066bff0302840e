import { setTimeout as delay } from "node:timers/promises";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";

import type { Site } from "./storm-site.ts";

const BLOWS = [
  "kill a worker",
  "end a worker",
  "restart a service",
  "kill the replica",
  "kill the primary",
] as const;
type Blow = (typeof BLOWS)[number];

/** What was done to the site: from when to when something could feel it. ms of `performance.now()`. */
export type Strike = { blow: Blow; service?: ServiceName; fromMs: number; toMs: number };

export type Weather = {
  strikes: Strike[];
  /** Resolves when the last blow is over and everything has been started again. */
  over: Promise<void>;
};

const PAUSE_MS = { least: 1_500, more: 2_500 };
const AWAY_MS = { least: 500, more: 2_500 };

/** Strikes at seeded moments, every kind once before any kind comes again, until the time is up. */
export function startWeather(
  site: Site,
  { seed, ms, signal }: { seed: number; ms: number; signal: AbortSignal },
): Weather {
  const chance = random(seed);
  const strikes: Strike[] = [];
  const untilMs = performance.now() + ms;
  const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(chance() * of.length)];

  async function away(server: Site["primary"], blow: Blow): Promise<void> {
    const felt: Strike = { blow, fromMs: performance.now(), toMs: Infinity };
    strikes.push(felt);
    await server.kill();
    await delay(AWAY_MS.least + chance() * AWAY_MS.more);
    await server.start();
    felt.toMs = performance.now();
  }

  async function strike(blow: Blow): Promise<void> {
    if (blow === "kill the replica") return away(site.replica, blow);
    if (blow === "kill the primary") return away(site.primary, blow);
    const service = one(SERVICE_NAMES) ?? "billing";
    const felt: Strike = { blow, service, fromMs: performance.now(), toMs: performance.now() };
    strikes.push(felt);
    if (blow === "restart a service") {
      // A new worker that dies on the way leaves the old ones where they are.
      await site.workers[service].restart().catch(() => undefined);
      felt.toMs = performance.now();
      return;
    }
    const pid = one(site.pids(service));
    if (pid === undefined) return;
    process.kill(pid, blow === "kill a worker" ? "SIGKILL" : "SIGTERM");
    felt.toMs = performance.now();
  }

  async function blowAll(): Promise<void> {
    let left: Blow[] = [];
    while (performance.now() < untilMs && !signal.aborted) {
      await delay(PAUSE_MS.least + chance() * PAUSE_MS.more);
      if (left.length === 0) left = [...BLOWS, "kill a worker", "kill a worker", "end a worker"];
      const [blow] = left.splice(Math.floor(chance() * left.length), 1);
      if (blow !== undefined) await strike(blow);
    }
  }
  return { strikes, over: blowAll() };
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
