import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { eachLine } from "../lines.ts";
import type { Chunk, Positions, SourceId, SourceStatus } from "../source.ts";
import type { Zone } from "../zone.ts";
import { type FileSource, fileSource } from "./files.ts";
import { timeReader, type TimeOf } from "./replay/line-times.ts";
import { LogClock } from "./replay/log-clock.ts";

/** Lines that are due within this time are yielded together. */
const TICK_MS = 20;
/** Waits are limited so that a change of the clock is detected. */
const WAIT_MS_MAX = 1_000;
/** A line that is earlier than its neighbours by more than this, in ms of the log, does not keep its own time. */
const EARLY_MS_MAX = 5 * 60_000;

export type ReplayOptions = {
  path: string;
  /** Seconds of the log per second, above 0: 60 replays an hour in a minute. */
  speed: number;
  clock: Clock;
  /** Zone of times without one. */
  zone: Zone;
};

const NOTHING_STORED = (): Promise<Positions> => Promise.resolve(new Map());

type Line = { end: number; dueMs: number; shiftMs: number };

/**
 * Replays an old log as if it were written now: each line is yielded (its time − the first time) / speed after the
 * start, and `retime` of its chunk returns that time. Always a new stream, which ends with the file.
 */
export function replaySource(options: ReplayOptions): Omit<FileSource, "setPaths"> {
  const { path, speed } = options;
  if (!(speed > 0 && Number.isFinite(speed))) {
    throw new AppError("bad_request", `speed must be a number above 0, such as 60, not ${speed}`);
  }
  const file = fileSource({ paths: [path], follow: false, clock: options.clock });
  const trouble: SourceStatus[] = [];
  return {
    status: () => [...trouble, ...file.status()],
    confirm: () => file.confirm(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    async *read(_positions, signal) {
      const sourceId: SourceId = `src_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
      const player = new Player(options, signal);
      for await (const chunk of file.read(NOTHING_STORED, signal)) {
        yield* player.play({ ...chunk, sourceId });
        if (player.isTimeless && trouble.length === 0) {
          const message = "unknown format: its lines are replayed immediately, without their times";
          trouble.push({ path, level: "warning", message });
        }
      }
    },
  };
}

class Player {
  readonly #options: ReplayOptions;
  readonly #signal: AbortSignal;
  readonly #logClock = new LogClock();
  readonly #startMs: number;
  #timeOf: TimeOf | undefined;

  constructor(options: ReplayOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#startMs = options.clock.nowMs();
  }

  get isTimeless(): boolean {
    return this.#timeOf === undefined;
  }

  async *play(chunk: Chunk): AsyncGenerator<Chunk, void> {
    const { clock, zone } = this.#options;
    this.#timeOf ??= timeReader(chunk, { zone, nowMs: clock.nowMs() });
    if (!this.#timeOf) {
      yield chunk;
      return;
    }
    const lines = this.#schedule(chunk, this.#timeOf);
    for (let first = 0, from = 0; first < lines.length && !this.#signal.aborted;) {
      await this.#wait(lines[first]?.dueMs ?? 0);
      if (this.#signal.aborted) return;
      const next = this.#afterDue(lines, first);
      const last = lines[next - 1];
      const to = next === lines.length ? chunk.bytes.length : (last?.end ?? from);
      yield this.#part(chunk, { from, to, lines: lines.slice(first, next) });
      first = next;
      from = to;
    }
  }

  #schedule(chunk: Chunk, timeOf: TimeOf): Line[] {
    const ends: number[] = [];
    const times: number[] = [];
    eachLine(chunk, (start, end) => {
      ends.push(end);
      times.push(timeOf(chunk.bytes, start, end) ?? Number.NaN);
    });
    const { elapsedMs, shiftMs } = this.#logClock.elapsed(Float64Array.from(times));
    return ends.map((end, index) => {
      const dueMs = this.#startMs + (elapsedMs[index] ?? 0) / this.#options.speed;
      return { end, dueMs, shiftMs: shiftMs[index] ?? 0 };
    });
  }

  /** The first line that is not due within this tick, or that is shifted differently. */
  #afterDue(lines: readonly Line[], first: number): number {
    const untilMs = this.#options.clock.nowMs() + TICK_MS;
    const shiftMs = lines[first]?.shiftMs;
    let next = first + 1;
    for (let line = lines[next]; line && line.dueMs <= untilMs; line = lines[next]) {
      if (line.shiftMs !== shiftMs) break;
      next += 1;
    }
    return next;
  }

  #part(chunk: Chunk, part: { from: number; to: number; lines: Line[] }): Chunk {
    const { from, to, lines } = part;
    const { speed } = this.#options;
    const shiftMs = lines[0]?.shiftMs ?? 0;
    const earliestMs = (lines[0]?.dueMs ?? 0) - EARLY_MS_MAX / speed;
    const latestMs = lines.at(-1)?.dueMs ?? 0;
    const isLast = to === chunk.bytes.length;
    return {
      ...chunk,
      bytes: chunk.bytes.subarray(from, to),
      offset: chunk.offset + from,
      position: isLast ? chunk.position : { offset: chunk.offset + to },
      positionAt: (first) => ({ offset: chunk.offset + from + first.length }),
      bytesSkipped: isLast ? chunk.bytesSkipped : 0,
      retime: (eventMs) => {
        const dueMs = this.#startMs + (eventMs + shiftMs) / speed;
        return Math.round(Math.min(Math.max(dueMs, earliestMs), latestMs));
      },
    };
  }

  async #wait(untilMs: number): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const leftMs = untilMs - clock.nowMs();
      if (leftMs <= 0 || this.#signal.aborted) return;
      const ms = Math.min(leftMs, WAIT_MS_MAX);
      await delay(ms, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }
}
