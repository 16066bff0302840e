import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, PositionLookup, SourceId, SourceStatus } from "#collectors/source.ts";

import { claim, type Claim } from "../claim.ts";
import type { FileSourceOptions } from "../files.ts";
import { Catalogue } from "./catalogue.ts";
import { isSame, wasTruncated } from "./changes.ts";
import { Identifier } from "./identify.ts";
import { LineCutter } from "./line-cutter.ts";
import { explain } from "./scan.ts";
import { statusOf } from "./status.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";
import { Watch } from "./watch.ts";

/** Appends within this time are read together. */
const GATHER_MS = 15;
/** Safety net for changes that no event told: open files, and everything. */
const POLL_MS = 1_000;
const POLL_MS_WITHOUT_EVENTS = 250;
const SCAN_MS = 5_000;
/** How long a file is quiet before it is taken to be complete: compressed; left by its writer; gone. */
const PACKED_QUIET_MS = 1_000;
const LEFT_QUIET_MS = 5_000;
const GONE_QUIET_MS = 30_000;
/** A line that nothing ends is handed out when nothing was appended for so long. */
const LINE_QUIET_MS = 600_000;
/** A file that rests is closed; it is opened again when it changes. */
const IDLE_MS = 300_000;
/** Chunks of one file before the next file gets its turn. */
const TURN_CHUNKS = 8;

type Options = FileSourceOptions & { chunkBytes: number; lineBytesMax: number };

/** The loop of a file source: finds files, asks whose content they have, hands out their lines. */
export class FileRun {
  readonly #options: Options;
  readonly #catalogue: Catalogue;
  readonly #cutter: LineCutter;
  readonly #streams = new Map<SourceId, Stream>();
  readonly #claims = new Map<SourceId, Claim>();
  #identifier: Identifier;
  #mustScan = true;

  constructor(options: Options) {
    this.#options = options;
    this.#catalogue = new Catalogue(options.paths, options.clock);
    this.#cutter = new LineCutter(options.chunkBytes, options.lineBytesMax);
    this.#identifier = new Identifier(this.#streams, () => undefined);
  }

  status(): SourceStatus[] {
    return statusOf(this.#catalogue);
  }

  async *read(positions: PositionLookup, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    this.#streams.clear();
    this.#identifier = new Identifier(this.#streams, positions);
    try {
      if (this.#options.follow) yield* this.#tail(signal);
      else yield* this.#readOnce(signal);
    } finally {
      for (const file of this.#catalogue.files()) await file.close();
      for (const held of this.#claims.values()) await held.release();
      this.#claims.clear();
    }
  }

  async *#readOnce(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    await this.#catalogue.scan();
    for (const file of this.#catalogue.files()) {
      while (file.isDirty && !signal.aborted) yield* this.#turn(file, { final: true, signal });
      await file.close();
    }
  }

  async *#tail(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const watch = new Watch();
    try {
      let scannedMs = 0;
      let polledMs = 0;
      while (!signal.aborted) {
        const nowMs = performance.now();
        const { changed, renamed } = watch.take();
        if (renamed || this.#mustScan || nowMs - scannedMs >= SCAN_MS) {
          this.#mustScan = false;
          scannedMs = nowMs;
          watch.follow(await this.#catalogue.scan());
        }
        this.#catalogue.mark(changed);
        if (nowMs - polledMs >= (watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS)) {
          polledMs = nowMs;
          await this.#catalogue.poll();
          yield* this.#settle(signal);
        }
        yield* this.#turns(signal);
        if (this.#mustScan || this.#catalogue.hasWork(this.#isRipe)) continue;
        await watch.wait(watch.isPartial ? POLL_MS_WITHOUT_EVENTS : POLL_MS, signal);
        await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      watch.close();
    }
  }

  async *#turns(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      if (signal.aborted) return;
      if (this.#isRipe(file)) yield* this.#turn(file, { final: false, signal });
    }
  }

  /** A compressed file is unpacked when it is complete, not each time that it grows. */
  readonly #isRipe = (file: TrackedFile): boolean =>
    file.isDirty && (!file.compression || this.#quietMs(file) >= PACKED_QUIET_MS);

  #quietMs(file: TrackedFile): number {
    return this.#options.clock.nowMs() - file.changedMs;
  }

  /** Ends what is quiet: the last line of a file that its writer left, files that are gone, handles of idle ones. */
  async *#settle(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    for (const file of this.#catalogue.files()) {
      const quietMs = this.#quietMs(file);
      if (!file.isComplete && quietMs >= enoughMs(file)) {
        file.isComplete = true;
        yield* this.#turn(file, { final: true, signal });
      }
      const isAtRest = quietMs >= IDLE_MS || (file.isLeft && file.isComplete);
      if (file.isGone && (quietMs >= GONE_QUIET_MS || !file.isOpen)) await this.#retire(file);
      else if (isAtRest && !file.isDirty) await file.close();
    }
  }

  async *#turn(
    file: TrackedFile,
    how: { final: boolean; signal: AbortSignal },
  ): AsyncGenerator<Chunk, void> {
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
    file.rewind();
    const identity = await this.#identifier.identify(file, final);
    file.stream = "stream" in identity ? identity.stream : undefined;
    if (identity.kind === "read") {
      file.state = (await this.#mayRead(identity.stream)) ? "reading" : "claimed";
      if (file.state === "claimed") this.#forget(identity.stream);
    } else {
      file.state = identity.kind === "unnamed" ? "new" : identity.kind;
    }
  }

  async #mayRead(stream: Stream): Promise<boolean> {
    const { locksFolder } = this.#options;
    if (locksFolder === undefined || this.#claims.has(stream.id)) return true;
    const held = await claim(stream.id, locksFolder);
    if (held) this.#claims.set(stream.id, held);
    return held !== undefined;
  }

  /** What another process reads is looked up again when it has let go of it. */
  #forget(stream: Stream): void {
    stream.holder = undefined;
    this.#streams.delete(stream.id);
  }

  async *#drain(
    file: TrackedFile,
    how: { final: boolean; signal: AbortSignal },
  ): AsyncGenerator<Chunk, void> {
    const { stream } = file;
    if (!stream) return;
    for (let chunks = 0; chunks < TURN_CHUNKS && !how.signal.aborted; chunks += 1) {
      const { print } = stream;
      const reader = file.reader();
      const final = how.final || mayEndNow(file);
      const cut = await this.#cutter.next(reader, print.offset, final);
      if (!(await this.#isIntact(file, { isHistory: how.final && cut !== undefined }))) {
        return this.#restart(file, stream);
      }
      if (!cut) {
        file.problem = reader.damage;
        return;
      }
      const offset = print.offset;
      print.advance(cut.bytes, cut.end);
      const position = print.toPosition();
      if (file.compression && cut.isLast) position["sealed"] = file.seal;
      const { bytes, bytesSkipped } = cut;
      yield { sourceId: stream.id, path: file.path, bytes, offset, position, bytesSkipped };
    }
    file.isDirty = true;
  }

  /** A history is asked where it ends only: at each chunk would cost as much as reading it. */
  async #isIntact(file: TrackedFile, how: { isHistory: boolean }): Promise<boolean> {
    if (file.compression || how.isHistory || !file.stream) return true;
    return isSame(file, file.stream.print);
  }

  /** The file was truncated: what is in it now is another stream, the rest of this one is in its copy, if anywhere. */
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

  /** Its copies are asked again whether they have the rest. */
  #orphan(stream: Stream): void {
    for (const file of this.#catalogue.files()) {
      if (file.stream !== stream) continue;
      file.isDirty = true;
      file.isLeft = true;
    }
  }
}

function enoughMs(file: TrackedFile): number {
  const mayEnd = file.isLeft || file.isGone || file.compression !== undefined;
  return mayEnd ? LEFT_QUIET_MS : LINE_QUIET_MS;
}

/** Whether a last line that nothing ends is one: nothing will be added to it. */
function mayEndNow(file: TrackedFile): boolean {
  const isUnpackedWell = file.compression !== undefined && !file.reader().damage;
  return file.isComplete || isUnpackedWell;
}
