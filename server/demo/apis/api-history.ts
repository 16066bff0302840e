import { createHash } from "node:crypto";

import { demoModel } from "../model.ts";
import { VISIT_MINUTES_MAX } from "../model.ts";
import { type Random, seededRandom } from "../random.ts";
import { type ApiCall, CALLS_EACH_MINUTE, apiCallsOf } from "./api-calls.ts";

const MINUTE_MS = 60_000;
/** The previous release, which ran until this long before the end of the history, and the current one. */
const RELEASES = { before: "0.0.9", since: "0.1.0", changedMs: 5 * 86_400_000 };
const SIGMA = 0.35;
/** How much slower the older release was, for reports to show. */
const SLOWER = 1.25;

export type ApiHistoryOptions = {
  seed: number;
  requestsPerSecondMean: number;
  /** Start and end of this part of the history. */
  fromMs: number;
  untilMs: number;
  /** End of the whole history. */
  endMs: number;
};

/** Access log lines of the APIs in [fromMs, untilMs), one string a minute, for the requests that visitors caused. */
export function* apiHistoryLines(options: ApiHistoryOptions): Generator<string> {
  const { fromMs, untilMs } = options;
  const model = demoModel(options);
  const random = seededRandom(options.seed ^ 0xa91, Math.floor(fromMs / 1000));
  const waiting = new Map<number, { atMs: number; call: ApiCall }[]>();
  const put = (atMs: number, call: ApiCall): void => {
    if (atMs < fromMs || atMs >= untilMs) return;
    const minute = Math.floor(atMs / MINUTE_MS);
    waiting.set(minute, [...(waiting.get(minute) ?? []), { atMs, call }]);
  };
  const first = Math.floor(fromMs / MINUTE_MS);
  for (let minute = first - VISIT_MINUTES_MAX; minute * MINUTE_MS < untilMs; minute += 1) {
    for (const { steps } of model.visits(minute)) {
      for (const step of steps) for (const call of apiCallsOf(step)) put(step.atMs, call);
    }
    for (const call of CALLS_EACH_MINUTE) put((minute + random.next()) * MINUTE_MS, call);
    const taken = waiting.get(minute)?.toSorted((a, b) => a.atMs - b.atMs) ?? [];
    waiting.delete(minute);
    if (taken.length > 0) yield taken.map((it) => lineOf(it, options.endMs, random)).join("");
  }
}

/** The line as an API worker writes it (platform/http/access-line.ts). */
function lineOf(
  { atMs, call }: { atMs: number; call: ApiCall },
  endMs: number,
  random: Random,
): string {
  const old = atMs < endMs - RELEASES.changedMs;
  const tookMs = call.durationMs * (old ? SLOWER : 1) * Math.exp(SIGMA * random.normal());
  const path = call.route
    .replaceAll(/\{application\}/g, "shop")
    .replaceAll(/\{(\w+)Id\}/g, idOf(random));
  const at = new Date(atMs).toISOString();
  return `${JSON.stringify({
    "@timestamp": at,
    "ecs.version": "8.11.0",
    "event.kind": "event",
    "event.category": ["web"],
    "event.type": ["access"],
    "event.dataset": `${call.service}.access`,
    "service.name": call.service,
    "service.version": old ? RELEASES.before : RELEASES.since,
    "log.level": "info",
    message: `${call.method} ${path} ${call.status}`,
    "event.outcome": call.status >= 400 ? "failure" : "success",
    "event.duration": Math.round(tookMs * 1e6),
    "http.version": "1.1",
    "http.request.method": call.method,
    "http.response.status_code": call.status,
    "http.route": call.route,
    "url.path": path,
    "source.ip": "127.0.0.1",
    "trace.id": createHash("sha256").update(`${at} ${random.next()}`).digest("hex").slice(0, 32),
  })}\n`;
}

const idOf = (random: Random): string =>
  `sub_${createHash("sha256").update(String(random.next())).digest("hex").slice(0, 24)}`;
