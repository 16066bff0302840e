import { createWriteStream } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { z } from "zod";

import { apiHistoryLines } from "./apis/api-history.ts";
import { accessLine } from "./log-line.ts";
import { demoModel, VISIT_MINUTES_MAX, type DemoModel, type Step, type Visit } from "./model.ts";
import { passwordOf } from "./people.ts";
import { seededRandom, type Random } from "./random.ts";
import { siteResponse } from "./site.ts";
import { capacityRps, serviceTime } from "./timing.ts";

export const HistoryOptions = z.strictObject({
  /** Folder of history-*.log.gz, one a day (UTC). */
  folder: z.string().min(1),
  /** End of the history, which begins `days` earlier. */
  untilMs: z.number(),
  days: z.number().positive(),
  seed: z.int(),
  requestsPerSecondMean: z.number().positive(),
  /** Addresses of the instances. */
  upstreams: z.array(z.string()).min(1),
});
export type HistoryOptions = z.infer<typeof HistoryOptions>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const GZIP = { level: 1, chunkSize: 256 * 1024 };

/** The files of the history from `untilMs - days` on, written or not, oldest first. */
export function historyPaths(
  options: Pick<HistoryOptions, "folder" | "untilMs" | "days">,
): string[] {
  return parts(options).flatMap((part) =>
    FILES.map((file) => file.path(options.folder, part.fromMs)),
  );
}

/** Each day has two files: the proxy's log, and the access log of the domain APIs. */
const FILES = [
  {
    path: (folder: string, fromMs: number): string => pathOf(folder, fromMs, "log"),
    lines: (part: Part, options: HistoryOptions): Generator<string> =>
      historyLines(demoModel(options), part, options),
  },
  {
    path: (folder: string, fromMs: number): string => pathOf(folder, fromMs, "apis.ndjson"),
    lines: (part: Part, options: HistoryOptions): Generator<string> =>
      apiHistoryLines({ ...options, ...part, endMs: options.untilMs }),
  },
];

/**
 * Writes the model's history as gzipped logs in the formats of the live logs, newest day first. Files appear complete,
 * by a rename; existing files are kept, so that an interrupted run can be repeated.
 * @returns the paths, oldest first
 */
export async function generateHistory(options: HistoryOptions): Promise<string[]> {
  await mkdir(options.folder, { recursive: true });
  for (const part of parts(options).toReversed()) {
    for (const file of FILES) {
      const path = file.path(options.folder, part.fromMs);
      if (await exists(path)) continue;
      const partial = `${path}.partial`;
      const lines = Readable.from(file.lines(part, options), { objectMode: true });
      await pipeline(lines, createGzip(GZIP), createWriteStream(partial));
      await rename(partial, path);
    }
  }
  return historyPaths(options);
}

type Part = { fromMs: number; untilMs: number };

function parts({ untilMs, days }: Pick<HistoryOptions, "untilMs" | "days">): Part[] {
  const found: Part[] = [];
  for (let fromMs = Math.round(untilMs - days * DAY_MS); fromMs < untilMs;) {
    const midnightMs = (Math.floor(fromMs / DAY_MS) + 1) * DAY_MS;
    const endMs = Math.min(midnightMs, untilMs);
    found.push({ fromMs, untilMs: endMs });
    fromMs = endMs;
  }
  return found;
}

function pathOf(folder: string, fromMs: number, kind: "log" | "apis.ndjson"): string {
  const name = new Date(fromMs)
    .toISOString()
    .replaceAll(/[-:]/g, "")
    .replace(/\.\d+Z$/, "Z");
  return join(folder, `history-${name}.${kind}.gz`);
}

/** The lines of the requests in [fromMs, untilMs) in order of time, one string a minute. */
function* historyLines(
  model: DemoModel,
  part: Part,
  options: Pick<HistoryOptions, "seed" | "requestsPerSecondMean" | "upstreams">,
): Generator<string> {
  const random = seededRandom(options.seed ^ 0x10c, Math.floor(part.fromMs / 1000));
  const writer = new HistoryWriter(options, random);
  const waiting = new Map<number, VisitStep[]>();
  const firstMinute = Math.floor(part.fromMs / MINUTE_MS);
  const lastMinute = Math.ceil(part.untilMs / MINUTE_MS);
  for (let minute = firstMinute - VISIT_MINUTES_MAX; minute < lastMinute; minute += 1) {
    for (const visit of model.visits(minute)) enqueue(waiting, visit, part);
    const steps = waiting.get(minute);
    waiting.delete(minute);
    if (!steps) continue;
    const utilisation =
      model.intensity(minute * MINUTE_MS) / capacityRps(options.requestsPerSecondMean);
    yield writer.lines(steps, utilisation);
  }
}

type VisitStep = { visit: Visit; step: Step };

function enqueue(waiting: Map<number, VisitStep[]>, visit: Visit, part: Part): void {
  for (const step of visit.steps) {
    if (step.atMs < part.fromMs || step.atMs >= part.untilMs) continue;
    const minute = Math.floor(step.atMs / MINUTE_MS);
    const steps = waiting.get(minute);
    if (steps) steps.push({ visit, step });
    else waiting.set(minute, [{ visit, step }]);
  }
}

class HistoryWriter {
  readonly #random: Random;
  readonly #upstreams: readonly string[];
  readonly #responses = new Map<string, { status: number; bytes: number }>();
  #turn = 0;

  constructor({ upstreams }: Pick<HistoryOptions, "upstreams">, random: Random) {
    this.#upstreams = upstreams;
    this.#random = random;
  }

  lines(steps: VisitStep[], utilisation: number): string {
    steps.sort((a, b) => a.step.atMs - b.step.atMs);
    let text = "";
    for (const { visit, step } of steps) text += `${this.#line(visit, step, utilisation)}\n`;
    return text;
  }

  #line({ person }: Visit, step: Step, utilisation: number): string {
    const { durationMs, failed } = serviceTime(step.path, utilisation, this.#random);
    const { status, bytes } = failed
      ? { status: 500, bytes: 50 }
      : this.#response(person.name, step);
    this.#turn = (this.#turn + 1) % this.#upstreams.length;
    const address = this.#upstreams[this.#turn] ?? "";
    const isSignIn = step.path === "/login" && status === 303;
    return accessLine({
      endMs: step.atMs,
      address: person.address,
      user: step.signedIn || isSignIn ? person.name : "",
      request: `${step.method} ${step.path} HTTP/1.1`,
      status,
      bytes,
      referrer: step.referrer && `https://shop.example${step.referrer}`,
      userAgent: person.userAgent,
      durationMs: durationMs + 2 * this.#random.next(),
      tries: [{ address, status, durationMs }],
    });
  }

  /** Cached responses: only the path and the sign-in state change their length noticeably. */
  #response(user: string, step: Step): { status: number; bytes: number } {
    const { method, path, signedIn, passwordRight } = step;
    const key = `${method} ${path} ${signedIn} ${passwordRight}`;
    const known = this.#responses.get(key);
    if (known) return known;
    const password = passwordRight ? passwordOf(user) : "";
    const form = new URLSearchParams({ user, password });
    const session = signedIn ? { user, items: 1 } : undefined;
    const { status, body } = siteResponse({ method, path, session, form });
    const made = { status, bytes: Buffer.byteLength(body) };
    this.#responses.set(key, made);
    return made;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
