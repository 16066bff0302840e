import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, ReadPositions, Source, SourceId, SourceStatus } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { CloudTrailApi } from "./cloudtrail-api.ts";

/** CloudTrail lists an event a quarter of an hour after it happened at the latest. */
const LISTED_AFTER_MS = 15 * 60_000;
/** AWS allows two requests a second for each account and region. */
const REQUEST_EVERY_MS = 550;
const POLL_MS = 30_000;
const SECOND_MS = 1_000;
const WINDOW_MS = { min: SECOND_MS, max: 3_600_000 };
/** Of a window, which is read as a whole: more are read in smaller ones. */
const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
const SECOND_BYTES_MAX = 256 * 1024 * 1024;

export type LookupOptions = {
  region: string;
  /** Events before are not read; epoch ms. */
  fromMs: number;
  clock: Clock;
};

/**
 * The management events of an account without a trail, as `LookupEvents` lists them: in windows of time, each of which is
 * stored with the position after it, so that no event is read twice.
 */
export class LookupSource implements Source, AsyncDisposable {
  readonly #options: LookupOptions;
  readonly #api: CloudTrailApi;
  readonly #requestEveryMs: number;
  #windowMs = WINDOW_MS.max;
  #requestedMs = Number.NEGATIVE_INFINITY;
  #readToMs: number | undefined;
  #events = 0;

  /** `requestEveryMs`: at least so long between two requests. */
  constructor(options: LookupOptions, api: CloudTrailApi, requestEveryMs = REQUEST_EVERY_MS) {
    this.#options = options;
    this.#api = api;
    this.#requestEveryMs = requestEveryMs;
  }

  status(): SourceStatus[] {
    const path = `CloudTrail ${this.#options.region}`;
    const to =
      this.#readToMs === undefined ? "" : `, up to ${new Date(this.#readToMs).toISOString()}`;
    const message = `is read: ${this.#events} events${to}`;
    return [{ path, level: "info", message }];
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const { region, fromMs, clock } = this.#options;
    const sourceId: SourceId = `src_${hash("sha256", `cloudtrail ${region}`, "hex").slice(0, 24)}`;
    const stored = (await positions()).get(sourceId);
    let offset = Number(stored?.["offset"] ?? 0);
    let atMs = wholeSecond(Number(stored?.["to"] ?? fromMs));
    while (!signal.aborted) {
      const limitMs = wholeSecond(clock.nowMs() - LISTED_AFTER_MS);
      if (limitMs - atMs < SECOND_MS) {
        await pause(Math.min(POLL_MS, atMs + SECOND_MS + LISTED_AFTER_MS - clock.nowMs()), signal);
        continue;
      }
      const toMs = Math.min(atMs + this.#windowMs, limitMs);
      const records = await this.#window(atMs, toMs, signal);
      if (records === "aborted") return;
      if (records === "too many") {
        this.#windowMs = Math.max(WINDOW_MS.min, wholeSecond((toMs - atMs) / 2));
        continue;
      }
      this.#windowMs = Math.min(WINDOW_MS.max, this.#windowMs * 2);
      const bytes = Buffer.from(records.map((record) => `${record}\n`).join(""));
      atMs = toMs;
      this.#readToMs = atMs;
      if (records.length === 0) continue;
      this.#events += records.length;
      yield {
        sourceId,
        path: `CloudTrail ${region}`,
        bytes,
        offset,
        position: { to: atMs, offset: offset + bytes.length },
        bytesSkipped: 0,
        header: { fields: {} },
      };
      offset += bytes.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api.close();
  }

  /** The events in [fromMs, toMs), the earliest first. */
  async #window(
    fromMs: number,
    toMs: number,
    signal: AbortSignal,
  ): Promise<string[] | "too many" | "aborted"> {
    const isSmallest = toMs - fromMs <= WINDOW_MS.min;
    const records: string[] = [];
    let bytes = 0;
    for (let next: string | undefined; ;) {
      await this.#waitForTurn(signal);
      if (signal.aborted) return "aborted";
      const range = { fromMs, toMs: toMs - SECOND_MS, next };
      const page = await this.#api.lookup(range, signal).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (!page) return "aborted";
      // A line end between the values of a record would end its line.
      records.push(...page.records.map((record) => record.replaceAll(/[\r\n]+/g, " ")));
      bytes += page.records.reduce((sum, { length }) => sum + length, 0);
      if (bytes > WINDOW_BYTES_MAX && !isSmallest) return "too many";
      if (bytes > SECOND_BYTES_MAX) throw new AppError("too_large", "a second has too many events");
      next = page.next;
      if (next === undefined) return records.toReversed();
    }
  }

  async #waitForTurn(signal: AbortSignal): Promise<void> {
    await pause(this.#requestedMs + this.#requestEveryMs - performance.now(), signal);
    this.#requestedMs = performance.now();
  }
}

const wholeSecond = (ms: number): number => Math.floor(ms / SECOND_MS) * SECOND_MS;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}
