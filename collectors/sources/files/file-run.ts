import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, Source, SourceStatus } from "#collectors/source.ts";
import { lacksFiles } from "#platform/open-files.ts";

import { Catalogue } from "./catalogue.ts";
import { chunkOf } from "./chunk-of.ts";
import { LineCutter } from "./line-cutter.ts";
import { OpenFiles } from "./open-files.ts";
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

/** Between two reads: appends within this time are read together. */
const GATHER_MS = 15;
/** Fallback for changes without an event: intervals for open files and for all paths. */
const POLL_MS = 1_000;
const POLL_MS_WITHOUT_EVENTS = 250;
const SCAN_MS = 5_000;
/**
 * Wait for the end of an unterminated last line in a recently written file: checked every `lookMs` until the file
 * is quiet for `quietMs`, at most for `waitMsMax`.
 */
const HISTORY = { lookMs: 100, quietMs: 2_000, waitMsMax: 10_000 };
/** This many files are opened as soon as they are found, so that a later deletion loses no lines. */
const OPEN_EARLY_MAX = 256;
/** An idle file is closed; it is opened again when it changes. */
const IDLE_MS = 300_000;
/** Number of chunks of a file before the next file is read. */
const TURN_CHUNKS = 8;

type Options = FileSourceOptions & {
  chunkBytes: number;
  lineBytesMax: number;
  openFilesMax: number;
};

type Turn = {
  /** The file is complete, even if its last line is not terminated. */
  lastLineCounts: boolean;
  isHistory?: boolean;
  signal: AbortSignal;
};

/** The loop of a file source: finds files, identifies their streams, yields their lines. */
export class FileRun {
  readonly #options: Options;
  readonly #catalogue: Catalogue;
  readonly #cutter: LineCutter;
  readonly #streams: SharedStreams;
  readonly #open: OpenFiles;
  readonly #watch = new Watch();
  #mustScan = true;

  constructor(options: Options) {
    this.#options = options;
    this.#catalogue = new Catalogue(options.paths, options.clock);
    this.#cutter = new LineCutter(options.chunkBytes, options.lineBytesMax);
    this.#streams = new SharedStreams(options);
    this.#open = new OpenFiles(options.openFilesMax);
  }

  status(): SourceStatus[] {
    return statusOf(this.#catalogue, { openMax: this.#open.max, watch: this.#watch });
  }

  setPaths(sources: ReadonlyMap<string, string>): void {
    this.#catalogue.setPaths(sources);
    this.#mustScan = true;
  }

  async *read(...args: Parameters<Source["read"]>): AsyncGenerator<Chunk, void> {
    const [positions, signal, memory] = args;
    this.#cutter.memory = memory;
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

  /** A file that is being written may end within a line: its last line counts when the file is quiet. */
  async *#readHistory(file: TrackedFile, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const { clock } = this.#options;
    const untilMs = clock.nowMs() + HISTORY.waitMsMax;
    for (;;) {
      let lastLineCounts = true;
      while (file.needsTurn && !signal.aborted) {
        await file.refresh();
        const writtenMs = Math.abs(clock.nowMs() - file.mtimeMs);
        lastLineCounts = file.compression !== undefined || writtenMs > HISTORY.quietMs;
        yield* this.#turn(file, { lastLineCounts, isHistory: true, signal });
      }
      if (lastLineCounts || signal.aborted || !hasUnterminatedLine(file)) return;
      if (clock.nowMs() > untilMs) {
        file.problem = "is being written: its last line is incomplete and will be read next time";
        return;
      }
      await delay(HISTORY.lookMs, undefined, { signal }).catch(() => undefined);
      file.requestTurn();
    }
  }

  async *#tail(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const watch = this.#watch;
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
          for (const file of this.#catalogue.unwanted()) await this.#retire(file);
          await this.#openEarly();
        }
        const readMs = performance.now();
        this.#catalogue.mark(changed);
        if (nowMs - polledMs >= (watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS)) {
          polledMs = nowMs;
          await this.#catalogue.poll();
          yield* this.#handleQuietFiles(signal);
        }
        yield* this.#turns(signal);
        if (this.#mustScan || this.#catalogue.hasWork(this.#isReady)) continue;
        await watch.wait(this.#pauseMs(watch), signal);
        const gatherMs = readMs + GATHER_MS - performance.now();
        if (gatherMs > 0) await delay(gatherMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      watch.close();
    }
  }

  async #openEarly(): Promise<void> {
    const count = Math.min(OPEN_EARLY_MAX, this.#open.max);
    for (const file of this.#catalogue.files().slice(-count)) {
      // A failure to open is reported when the file is read.
      if (file.needsTurn) await this.#open.open(file).catch(() => undefined);
    }
  }

  /** Time until the next check: shorter if a compressed file is about to be complete. */
  #pauseMs(watch: Watch): number {
    const pauseMs = watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS;
    const isPacked = this.#catalogue.hasWork(
      (file) => file.needsTurn && file.compression !== undefined,
    );
    return isPacked ? Math.min(pauseMs, COMPRESSED_QUIET_MS) : pauseMs;
  }

  async *#turns(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      if (signal.aborted) return;
      if (this.#isReady(file)) yield* this.#turn(file, { lastLineCounts: false, signal });
    }
  }

  /** A compressed file is read when it is complete, not whenever it grows. */
  readonly #isReady = (file: TrackedFile): boolean =>
    file.needsTurn && (!file.compression || this.#quietMs(file) >= COMPRESSED_QUIET_MS);

  #quietMs(file: TrackedFile): number {
    return this.#options.clock.nowMs() - file.changedMs;
  }

  /** Reads the last line of rotated files, drops deleted files and closes idle files. */
  async *#handleQuietFiles(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      const quietMs = this.#quietMs(file);
      if (!file.isComplete && quietMs >= quietMsMin(file)) {
        file.markComplete();
        yield* this.#turn(file, { lastLineCounts: true, signal });
      }
      const isAtRest = quietMs >= IDLE_MS || (file.isRotated && file.isComplete);
      const isOver = file.isLost || (file.isDeleted && quietMs >= DELETED_QUIET_MS);
      if (isOver) await this.#retire(file);
      else if (isAtRest && !file.needsTurn) await file.close();
    }
  }

  async *#turn(file: TrackedFile, how: Turn): AsyncGenerator<Chunk, void> {
    file.beginTurn();
    try {
      const opened = await this.#open.open(file);
      if (opened === "full") return file.requestTurn();
      if (opened === "replaced") {
        file.problem = "was just replaced by another file, which will be looked up";
        this.#mustScan = true;
        return;
      }
      await file.refresh();
      if (file.state !== "reading") await this.#identify(file, how.lastLineCounts);
      if (file.state === "reading") yield* this.#readChunks(file, how);
    } catch (error) {
      file.fail(explain(error));
      await file.close();
      if (lacksFiles(error)) await this.#open.closeHalf();
    }
  }

  async #identify(file: TrackedFile, lastLineCounts: boolean): Promise<void> {
    file.problem = undefined;
    const identity = await this.#streams.identify(file, lastLineCounts);
    const before = file.stream;
    file.identifyAs(identity);
    if (before !== file.stream) this.#giveUp(file, before);
  }

  async *#readChunks(file: TrackedFile, how: Turn): AsyncGenerator<Chunk, void> {
    const { stream } = file;
    if (!stream) return;
    for (let chunks = 0; chunks < TURN_CHUNKS && !how.signal.aborted; chunks += 1) {
      const { fingerprint } = stream;
      const reader = file.reader();
      const lastLineCounts = how.lastLineCounts || isLastLineComplete(file);
      const cut = await this.#cutter.next(file, fingerprint.offset, lastLineCounts);
      // A file that is read once is checked at its end only: checking each chunk would cost as much as reading.
      const mayBeTruncated = !file.compression && !(how.isHistory === true && cut !== undefined);
      if (mayBeTruncated && !(await file.contains(fingerprint))) {
        return this.#restart(file, stream);
      }
      if (!cut) {
        file.problem = reader.damage;
        file.isCaughtUp = !file.compression;
        return;
      }
      const source = this.#catalogue.sourceOf(file.pattern);
      const chunk = chunkOf(file, stream, { cut, source });
      // NULs alone need no position of their own.
      if (chunk.bytes.length > 0) yield chunk;
    }
    file.requestTurn();
  }

  /** The file was truncated: it now contains another stream. */
  #restart(file: TrackedFile, stream: Stream): void {
    file.detachTruncated(stream);
    this.#giveUp(file, stream);
    this.#mustScan = true;
  }

  async #retire(file: TrackedFile): Promise<void> {
    await file.close();
    this.#catalogue.forget(file);
    this.#giveUp(file, file.stream);
  }

  /** The stream is no longer read in this file: the rest of it may be in a copy. */
  #giveUp(file: TrackedFile, stream: Stream | undefined): void {
    if (stream?.holder !== file) return;
    stream.holder = undefined;
    for (const copy of this.#catalogue.files()) if (copy.stream === stream) copy.markRotated();
  }
}
