import type { Batch } from "#collectors/batch.ts";
import type { Chunk } from "#collectors/source.ts";

import { AHEAD_MS_MAX } from "../time-range.ts";

/** Events within this time after others belong to the same arrival. */
const ARRIVAL_MS = 1_000;
/** The usual gap is known after so many gaps, and determined from the latest ones. */
const GAPS = { min: 8, max: 32 };
/** Share of the gaps that are not longer than the usual one. */
const USUAL_SHARE = 0.9;
const RATE_WINDOW_MS = 10_000;
const LAST_LINE_BYTES_MAX = 8 * 1024;
const LF = 0x0a;

/** What arrived from a source since the indexer started; times are epoch ms, and null while they are not known. */
export type SourceActivity = {
  source: string;
  /** Whether its lines are sent to a receiver, instead of read. */
  isPushed: boolean;
  /** Its events by dataset, of the streams that were read in the last day. */
  datasets: Readonly<Record<string, number>>;
  events: number;
  quarantined: number;
  bytes: number;
  /** Over the last 10 to 20 seconds. */
  eventsPerSecond: number;
  newestEventMs: number | null;
  /** When events were read last, and how long after their own time. */
  arrivedMs: number | null;
  delayMs: number | null;
  /** Nine of ten pauses between events are not longer. */
  usualGapMs: number | null;
};

/** The original line, or lines, of the event that was read last, at most 8 KiB, and the dataset of its stream. */
export type LastLine = { path: string; bytes: Uint8Array; format: string | undefined };

/** Rows that were read together. */
type Added = {
  rows: number;
  quarantined: number;
  /** Time of the last one. */
  eventMs: number;
  nowMs: number;
};

/** Counts and times of one source. */
export class Activity {
  #events = 0;
  #quarantined = 0;
  bytes = 0;
  readonly isPushed: boolean;
  #newestMs: number | null = null;
  #arrivedMs: number | null = null;
  #delayMs: number | null = null;
  readonly #gaps: number[] = [];
  #usualGapMs: number | null = null;
  #rate = { sinceMs: 0, now: 0, before: 0 };
  last: LastLine | undefined;

  constructor(isPushed: boolean) {
    this.isPushed = isPushed;
  }

  add({ rows, quarantined, eventMs, nowMs }: Added): void {
    this.#events += rows - quarantined;
    this.#quarantined += quarantined;
    this.#advanceRate(nowMs);
    this.#rate.now += rows;
    if (this.#arrivedMs !== null) this.#addGap(nowMs - this.#arrivedMs);
    this.#arrivedMs = nowMs;
    if (Number.isNaN(eventMs) || eventMs > nowMs + AHEAD_MS_MAX) return;
    this.#delayMs = Math.max(0, nowMs - eventMs);
    this.#newestMs = Math.max(this.#newestMs ?? eventMs, eventMs);
  }

  #addGap(gapMs: number): void {
    if (gapMs < ARRIVAL_MS) return;
    this.#gaps.push(gapMs);
    if (this.#gaps.length > GAPS.max) this.#gaps.shift();
    if (this.#gaps.length < GAPS.min) return;
    const sorted = this.#gaps.toSorted((a, b) => a - b);
    this.#usualGapMs = sorted[Math.ceil(sorted.length * USUAL_SHARE) - 1] ?? null;
  }

  #advanceRate(nowMs: number): void {
    const ageMs = Math.abs(nowMs - this.#rate.sinceMs);
    if (ageMs < RATE_WINDOW_MS) return;
    const before = ageMs < 2 * RATE_WINDOW_MS ? this.#rate.now : 0;
    this.#rate = { sinceMs: nowMs, now: 0, before };
  }

  /** When events were read last; 0 if none were. */
  get arrivedMs(): number {
    return this.#arrivedMs ?? 0;
  }

  /** To be stored with the positions of the source. */
  get stored(): string {
    return [this.#arrivedMs, this.#newestMs, this.#usualGapMs].map((ms) => ms ?? "").join(" ");
  }

  /** Continues with stored times, unless something has arrived since. */
  restore(stored: string): void {
    if (this.#events + this.#quarantined > 0) return;
    const [arrivedMs, newestMs, usualGapMs] = stored.split(" ").map(Number);
    if (!(arrivedMs !== undefined && arrivedMs > (this.#arrivedMs ?? 0))) return;
    this.#arrivedMs = arrivedMs;
    this.#newestMs = newestMs || null;
    this.#usualGapMs = usualGapMs || null;
  }

  report(source: string, nowMs: number): Omit<SourceActivity, "datasets"> {
    this.#advanceRate(nowMs);
    const { sinceMs, now, before } = this.#rate;
    const windowMs = nowMs - sinceMs;
    const spanMs = before > 0 ? windowMs + RATE_WINDOW_MS : Math.max(ARRIVAL_MS, windowMs);
    return {
      source,
      isPushed: this.isPushed,
      events: this.#events,
      quarantined: this.#quarantined,
      bytes: this.bytes,
      eventsPerSecond: ((now + before) * 1_000) / spanMs,
      newestEventMs: this.#newestMs,
      arrivedMs: this.#arrivedMs,
      delayMs: this.#delayMs,
      usualGapMs: this.#usualGapMs,
    };
  }
}

/** A copy of the original of the last row, as far as it is kept; of an event without one, of the last line of its chunk. */
export function lastLineOf(batch: Batch, chunk: Chunk | undefined): Uint8Array | undefined {
  const row = batch.rows - 1;
  const bytes = batch.lines.has(row) ? batch.lines.bytes(row) : chunk && lastLineIn(chunk.bytes);
  return bytes && Buffer.from(bytes.subarray(0, LAST_LINE_BYTES_MAX));
}

function lastLineIn(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) === LF ? bytes.length - 1 : bytes.length;
  const start = end === 0 ? 0 : bytes.lastIndexOf(LF, end - 1) + 1;
  return bytes.subarray(start, end);
}
