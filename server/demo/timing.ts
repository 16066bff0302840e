import type { Random } from "./random.ts";

const BASE_MS = { asset: 1.5, page: 21, api: 13, login: 62, order: 88 };
const SIGMA = 0.42;
/** Share of queued work in a server's time at capacity. */
const QUEUE_SHARE = 0.6;
const FAILURE_SHARE = 0.0016;
const TIMEOUT_FACTOR = 6;

/** Capacity of the demo shop in requests per second over all instances. */
export const capacityRps = (requestsPerSecondMean: number): number => 2.2 * requestsPerSecondMean;

/** Service time of a request and whether it fails; grows with load as in an M/M/1 queue. */
export function serviceTime(
  path: string,
  utilisation: number,
  random: Random,
): { durationMs: number; failed: boolean } {
  const kind = kindOf(path);
  const queue = 1 / (1 - QUEUE_SHARE * Math.min(1, Math.max(0, utilisation)));
  const failed = kind !== "asset" && random.next() < FAILURE_SHARE;
  const slow = failed ? TIMEOUT_FACTOR : 1;
  const durationMs = BASE_MS[kind] * queue * slow * Math.exp(SIGMA * random.normal());
  return { durationMs, failed };
}

function kindOf(path: string): keyof typeof BASE_MS {
  if (path.startsWith("/assets/") || path === "/favicon.ico" || path === "/health") return "asset";
  if (path === "/api/orders") return "order";
  if (path.startsWith("/api/")) return "api";
  return path === "/login" ? "login" : "page";
}
