import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, Position, ReadPositions, SourceStatus } from "#collectors/source.ts";

import { Catalogue } from "./catalogue.ts";
import { isSame, wasTruncated } from "./changes.ts";
import { LineCutter } from "./line-cutter.ts";
import type { FileSourceOptions } from "./options.ts";
import {
  DELETED_QUIET_MS,
  COMPRESSED_QUIET_MS,
  quietMsMin,
  hasUnterminatedLine,
  isLastLineComplete,
} from "./quiet.ts";
import { explain } from "./scan.ts";
import { SharedStreams } from "./shared-streams.ts";
import { statusOf } from "./status.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";
import { Watch } from "./watch.ts";

/** Appends within this time are read together. */
const GATHER_MS = 15;
/** Fallback for changes without an event: intervals for open files and for all paths. */
const POLL_MS = 1_000;
const POLL_MS_WITHOUT_EVENTS = 250;
const SCAN_MS = 5_000;
/**
 * An unterminated last line of a file that was written to just now is waited for: checked every `lookMs` until the file
 * is quiet for `quietMs`, for `waitMsMax` at most.
 */
const HISTORY = { lookMs: 100, quietMs: 2_000, waitMsMax: 10_000 };
/** This many files are opened as soon as they are found, so that a deletion before their turn loses nothing. */
const OPEN_EARLY_MAX = 256;
/** An idle file is closed; it is opened again when it changes. */
const IDLE_MS = 300_000;
/** Chunks of one file before the next file is read. */
const TURN_CHUNKS = 8;

const STATE_OF = {
  unidentified: "new",
  read: "reading",
  copy: "copy",
  done: "done",
  short: "short",
  claimed: "claimed",
} as const;

type Options = FileSourceOptions & { chunkBytes: number; lineBytesMax: number };

type Turn = {
  /** The file is complete: an unterminated last line counts. */
  final: boolean;
  isHistory?: boolean;
  signal: AbortSignal;
};

/** The loop of a file source: finds files, identifies their streams, yields their lines. */
export class FileRun {
  readonly #options: Options;
  readonly #catalogue: Catalogue;
  readonly #cutter: LineCutter;
  readonly #streams: SharedStreams;
  #mustScan = true;

  constructor(options: Options) {
    this.#options = options;
    this.#catalogue = new Catalogue(options.paths, options.clock);
    this.#cutter = new LineCutter(options.chunkBytes, options.lineBytesMax);
    this.#streams = new SharedStreams(options);
  }

  status(): SourceStatus[] {
    return statusOf(this.#catalogue);
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    await this.#streams.begin(positions);
    try {
      if (this.#options.follow) yield* this.#tail(signal);
      else yield* this.#readOnce(signal);
    } finally {
      for (const file of this.#catalogue.files()) await file.close();
    }
  }

  confirm(): Promise<void> {
    return this.#streams.confirm();
  }

  release(): Promise<void> {
    return this.#streams.release();
  }

  async *#readOnce(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    await this.#catalogue.scan();
    for (const file of this.#catalogue.files()) {
      yield* this.#readHistory(file, signal);
      await file.close();
    }
  }

  /** A file that is still written to may end within a line: its last line counts once the file is quiet. */
  async *#readHistory(file: TrackedFile, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const { clock } = this.#options;
    const untilMs = clock.nowMs() + HISTORY.waitMsMax;
    for (;;) {
      let final = true;
      while (file.isDirty && !signal.aborted) {
        await file.refresh();
        const writtenMs = Math.abs(clock.nowMs() - file.mtimeMs);
        final = file.compression !== undefined || writtenMs > HISTORY.quietMs;
        yield* this.#turn(file, { final, isHistory: true, signal });
      }
      if (final || signal.aborted || !hasUnterminatedLine(file)) return;
      if (clock.nowMs() > untilMs) {
        file.problem =
          "is being written to: its last line has no end yet and is left for the next time";
        return;
      }
      await delay(HISTORY.lookMs, undefined, { signal }).catch(() => undefined);
      file.isDirty = true;
    }
  }

  async *#tail(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const watch = new Watch();
    try {
      let scannedMs = 0;
      let polledMs = 0;
      while (!signal.aborted) {
        this.#streams.throwIfLost();
        const nowMs = performance.now();
        const { changed, renamed } = watch.take();
        if (renamed || this.#mustScan || nowMs - scannedMs >= SCAN_MS) {
          this.#mustScan = false;
          scannedMs = nowMs;
          watch.follow(await this.#catalogue.scan());
          await this.#openEarly();
        }
        this.#catalogue.mark(changed);
        if (nowMs - polledMs >= (watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS)) {
          polledMs = nowMs;
          await this.#catalogue.poll();
          yield* this.#settle(signal);
        }
        yield* this.#turns(signal);
        if (this.#mustScan || this.#catalogue.hasWork(this.#isRipe)) continue;
        await watch.wait(this.#pauseMs(watch), signal);
        await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      watch.close();
    }
  }

  async #openEarly(): Promise<void> {
    for (const file of this.#catalogue.files().slice(-OPEN_EARLY_MAX)) {
      // A failure to open is reported when the file is read.
      if (file.isDirty) await file.open().catch(() => false);
    }
  }

  /** Time until the next check: shorter where a compressed file is about to be complete. */
  #pauseMs(watch: Watch): number {
    const pauseMs = watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS;
    const isPacked = this.#catalogue.hasWork(
      (file) => file.isDirty && file.compression !== undefined,
    );
    return isPacked ? Math.min(pauseMs, COMPRESSED_QUIET_MS) : pauseMs;
  }

  async *#turns(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      if (signal.aborted) return;
      if (this.#isRipe(file)) yield* this.#turn(file, { final: false, signal });
    }
  }

  /** A compressed file is read when it is complete, not each time it grows. */
  readonly #isRipe = (file: TrackedFile): boolean =>
    file.isDirty && (!file.compression || this.#quietMs(file) >= COMPRESSED_QUIET_MS);

  #quietMs(file: TrackedFile): number {
    return this.#options.clock.nowMs() - file.changedMs;
  }

  /** Handles quiet files: reads the last line of rotated ones, drops deleted ones, closes idle ones. */
  async *#settle(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      const quietMs = this.#quietMs(file);
      if (!file.isComplete && quietMs >= quietMsMin(file)) {
        file.isComplete = true;
        yield* this.#turn(file, { final: true, signal });
      }
      const isAtRest = quietMs >= IDLE_MS || (file.isRotated && file.isComplete);
      if (file.isDeleted && (quietMs >= DELETED_QUIET_MS || !file.isOpen)) await this.#retire(file);
      else if (isAtRest && !file.isDirty) await file.close();
    }
  }

  async *#turn(file: TrackedFile, how: Turn): AsyncGenerator<Chunk, void> {
    file.isDirty = false;
    try {
      if (!(await file.open())) {
        file.problem = "was replaced by another file just now; it is looked up again";
        this.#mustScan = true;
        return;
      }
      await file.refresh();
      if (file.state !== "reading") await this.#identify(file, how.final);
      if (file.state === "reading") yield* this.#drain(file, how);
    } catch (error) {
      file.state = file.stream ? "reading" : "failed";
      file.problem = explain(error);
      await file.close();
    }
  }

  async #identify(file: TrackedFile, final: boolean): Promise<void> {
    file.problem = undefined;
    const identity = await this.#streams.identify(file, final);
    const before = file.stream;
    file.stream = "stream" in identity ? identity.stream : undefined;
    if (before && before !== file.stream && before.holder === file) {
      before.holder = undefined;
      this.#orphan(before);
    }
    file.state = STATE_OF[identity.kind];
  }

  async *#drain(file: TrackedFile, how: Turn): AsyncGenerator<Chunk, void> {
    const { stream } = file;
    if (!stream) return;
    for (let chunks = 0; chunks < TURN_CHUNKS && !how.signal.aborted; chunks += 1) {
      const { fingerprint } = stream;
      const reader = file.reader();
      const final = how.final || isLastLineComplete(file);
      const cut = await this.#cutter.next(reader, fingerprint.offset, final);
      if (
        !(await this.#isIntact(file, { isHistory: how.isHistory === true && cut !== undefined }))
      ) {
        return this.#restart(file, stream);
      }
      if (!cut) {
        file.problem = reader.damage;
        return;
      }
      const offset = fingerprint.offset;
      const before = fingerprint.after(Buffer.alloc(0));
      const positionAt = (length: number): Position =>
        before.after(cut.bytes.subarray(0, length)).toPosition();
      fingerprint.advance(cut.bytes, cut.end);
      const isSealed = file.compression !== undefined && cut.isLast;
      const position = { ...fingerprint.toPosition(), ...(isSealed && { sealed: file.seal }) };
      const { bytes, bytesSkipped } = cut;
      const { id: sourceId } = stream;
      yield { sourceId, path: file.path, bytes, offset, position, positionAt, bytesSkipped };
    }
    file.isDirty = true;
  }

  /** A finished file is checked at its end only: checking each chunk would cost as much as reading. */
  async #isIntact(file: TrackedFile, how: { isHistory: boolean }): Promise<boolean> {
    if (file.compression || how.isHistory || !file.stream) return true;
    return isSame(file, file.stream.fingerprint);
  }

  /** The file was truncated: it now contains another stream; the rest of this one may be in a copy. */
  #restart(file: TrackedFile, stream: Stream): void {
    wasTruncated(file, stream);
    this.#orphan(stream);
    this.#mustScan = true;
  }

  async #retire(file: TrackedFile): Promise<void> {
    await file.close();
    this.#catalogue.forget(file);
    if (file.stream?.holder !== file) return;
    file.stream.holder = undefined;
    this.#orphan(file.stream);
  }

  /** Checks its copies for the rest. */
  #orphan(stream: Stream): void {
    for (const file of this.#catalogue.files()) {
      if (file.stream !== stream) continue;
      file.isDirty = true;
      file.isRotated = true;
    }
  }
}
