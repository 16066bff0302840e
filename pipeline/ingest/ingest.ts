import { setTimeout as delay } from "node:timers/promises";

import { Batch } from "#collectors/batch.ts";
import { openDeriver, type Deriver } from "#collectors/derive/derive.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { FormatContext } from "#collectors/format.ts";
import { fillFields } from "#collectors/header-fields.ts";
import { eachLine } from "#collectors/lines.ts";
import type { Chunk, Position, Source, SourceId, SourceStatus } from "#collectors/source.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import { openFrameAccumulator, type FrameAccumulator, type FrameDelta } from "../live/frames.ts";
import type { EventStore } from "../store/port.ts";
import { eachSpanningEvent, takeHeld, type TakeEvent } from "./events.ts";
import { Streams, type Stream } from "./streams.ts";

export const QUARANTINE_DATASET = "quarterdeck.quarantine";

/** A segment is sealed when it has so many rows, or so many bytes were read for it, or it is so old. */
const SEAL_ROWS = 131_072;
const SEAL_BYTES = 64 * 1024 * 1024;
const SEAL_AFTER_FIRST_MS = 200;
/** An event whose format may add lines to it waits for them so long. */
const HELD_IDLE_MS = 300;
/** Rows beyond a full segment, for the lines that the last chunk has still. */
const RESERVE_ROWS = 16_384;
const RETRY_MS = { first: 500, max: 30_000 };

export type IngestCounts = {
  lines: number;
  events: number;
  quarantined: number;
  bytes: number;
  /** Bytes of overlong lines that were not kept. */
  bytesSkipped: number;
};

export type IngestDeps = {
  store: EventStore;
  clock: Clock;
  rules: DeriveRules;
  /** The zone of times in logs that carry none. */
  zone: Zone;
  /**
   * How old the oldest row may get before the segment is sealed, and how often rows are folded into frames. The first
   * segments of a run are sealed sooner, so that what was there already is seen at once.
   */
  sealAfterMs: number;
  foldEveryMs: number;
  /** The frames that changed. Absent for a history that nobody watches. */
  onFrames?: (deltas: FrameDelta[]) => void;
  /** Rows that are complete, before they are sealed; the batch may be read only during the call. */
  onRows?: (batch: Batch, fromRow: number, toRow: number) => void;
  onProgress?: (counts: IngestCounts) => void;
  /** Rows became durable. */
  onSealed?: (sealed: { rows: number; newestEventMs: number | undefined }) => void;
  /** The store refused: nothing is lost, reading waits and tries again. Absent: the error ends the run. */
  onStoreError?: (error: unknown, retryInMs: number) => void;
};

/**
 * Source → format → batch → store, with frames and rollups on the way. Rows and position become durable together;
 * a line that no format understands is kept in quarantine with the reason.
 */
export class Ingest {
  readonly #deps: IngestDeps;
  readonly #batch = new Batch(SEAL_ROWS + RESERVE_ROWS);
  readonly #context: FormatContext;
  readonly #streams: Streams;
  readonly #deriver: Deriver;
  readonly #frames: FrameAccumulator;
  readonly #pending = new Map<SourceId, Position>();
  readonly counts: IngestCounts = {
    lines: 0,
    events: 0,
    quarantined: 0,
    bytes: 0,
    bytesSkipped: 0,
  };
  #foldedRows = 0;
  #bytesUnsealed = 0;
  #oldestUnsealedMs: number | undefined;
  #sealAfterMs: number;
  #sealing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(deps: IngestDeps) {
    this.#deps = deps;
    this.#sealAfterMs = Math.min(SEAL_AFTER_FIRST_MS, deps.sealAfterMs);
    this.#context = { zone: deps.zone, nowMs: deps.clock.nowMs() };
    this.#streams = new Streams(this.#batch, this.#context);
    this.#deriver = openDeriver(this.#batch, deps.rules);
    this.#frames = openFrameAccumulator(this.#batch);
  }

  /**
   * Reads the source to its end or until the signal; what was read is stored before it returns. When the source or the
   * store fails, it throws, and what is not stored is read again by the next run.
   */
  async run(source: Source, ending: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([ending, failed.signal]);
    const ticker = setInterval(() => this.#tick(signal), this.#deps.foldEveryMs);
    try {
      for await (const item of source.read(() => this.#deps.store.positions(), signal)) {
        await this.#sealing;
        if (this.#failure) break;
        if ("revoked" in item) {
          await this.#release(item.revoked, signal);
          continue;
        }
        this.#take(item);
        if (this.#batch.rows >= SEAL_ROWS || this.#bytesUnsealed >= SEAL_BYTES) {
          await this.#seal(signal);
        }
      }
      await this.#sealing;
      if (!this.#failure) this.#takeHeld(0);
      await this.#seal(signal);
    } finally {
      clearInterval(ticker);
      failed.abort();
      await this.#sealing;
    }
    if (this.#failure) throw this.#failure;
  }

  /** What the source tells of each path, with how many of its last lines no format understood. */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    return this.#streams.statusWith(sources);
  }

  #tick(signal: AbortSignal): void {
    if (this.#sealing || this.#failure) return;
    this.#takeHeld(HELD_IDLE_MS);
    this.#fold();
    const oldest = this.#oldestUnsealedMs;
    const due = oldest !== undefined && this.#deps.clock.nowMs() - oldest >= this.#sealAfterMs;
    if (due) void this.#seal(signal);
  }

  /** Stores what was read of a source that another process will read on from there. */
  async #release(id: SourceId, signal: AbortSignal): Promise<void> {
    // What is held back lies behind the position that is stored.
    this.#streams.forget(id);
    await this.#seal(signal);
  }

  #take(chunk: Chunk): void {
    const batch = this.#batch;
    this.#context.nowMs = this.#deps.clock.nowMs();
    const stream = this.#streams.of(chunk);
    const first = batch.rows;
    if (stream.format?.begins) {
      eachSpanningEvent(stream, chunk, this.#takerOf(stream));
      stream.heldSinceMs = this.#context.nowMs;
    } else this.#takeLines(stream, chunk);
    stream.position = chunk.position;
    this.#finish(stream, first);
    if (chunk.header) fillFields(batch, chunk.header.fields, { from: first, to: batch.rows });
    this.#count(chunk);
  }

  #takeLines(stream: Stream, chunk: Chunk): void {
    const batch = this.#batch;
    const { bytes, offset, retime } = chunk;
    const { scan } = stream;
    const time = batch.number("@timestamp");
    const offsets = batch.number("log.offset");
    const datasets = batch.text("data_stream.dataset");
    const dataset = stream.dataset === "" ? 0 : datasets.internText(stream.dataset);
    eachLine(chunk, (start, end) => {
      const row = batch.rows;
      if (row >= batch.rowsMax) batch.reserve(RESERVE_ROWS);
      const reason = scan(bytes, start, end);
      if (reason === undefined) {
        if (retime) time.values[row] = retime(time.values[row] ?? 0);
        stream.eventMs = time.values[row];
        if (datasets.ids[row] === 0) datasets.ids[row] = dataset;
      } else this.#quarantine(stream, bytes.subarray(start, end), reason);
      offsets.values[row] = offset + start;
      batch.commit();
    });
  }

  /** For events that span lines, which are few. */
  #takerOf(stream: Stream): TakeEvent {
    const batch = this.#batch;
    return ({ bytes, start, end, offset, retime }) => {
      const row = batch.rows;
      batch.reserve(1);
      const time = batch.number("@timestamp");
      const reason = stream.scan(bytes, start, end);
      if (reason === undefined) {
        if (retime) time.values[row] = retime(time.values[row] ?? 0);
        stream.eventMs = time.values[row];
        batch.text("data_stream.dataset").putText(row, stream.dataset);
      } else this.#quarantine(stream, bytes.subarray(start, end), reason);
      batch.number("log.offset").put(row, offset);
      batch.commit();
    };
  }

  /** Takes events that were held back for so long that nothing more of them is to come. */
  #takeHeld(idleMs: number): void {
    const nowMs = this.#deps.clock.nowMs();
    for (const stream of this.#streams.all()) {
      if (!stream.held || nowMs - stream.heldSinceMs < idleMs) continue;
      this.#context.nowMs = nowMs;
      const first = this.#batch.rows;
      takeHeld(stream, this.#takerOf(stream));
      this.#finish(stream, first);
    }
  }

  /** Says of the rows from `first` on where they come from, and remembers where to go on. */
  #finish(stream: Stream, first: number): void {
    const batch = this.#batch;
    const ids = batch.text("log.source.id");
    const paths = batch.text("log.file.path");
    ids.ids.fill(ids.internText(stream.id), first, batch.rows);
    if (stream.path !== "") paths.ids.fill(paths.internText(stream.path), first, batch.rows);
    this.#pending.set(stream.id, stream.held?.position ?? stream.position);
    const rows = batch.rows - first;
    this.counts.lines += rows;
    this.counts.events = this.counts.lines - this.counts.quarantined;
    stream.recent.count(rows);
    this.#oldestUnsealedMs ??= this.#context.nowMs;
  }

  #count(chunk: Chunk): void {
    this.counts.bytes += chunk.bytes.length;
    this.counts.bytesSkipped += chunk.bytesSkipped;
    this.#bytesUnsealed += chunk.bytes.length;
    this.#deps.onProgress?.(this.counts);
  }

  #quarantine(stream: Stream, line: Uint8Array, reason: string): void {
    const batch = this.#batch;
    batch.rollback();
    const row = batch.rows;
    batch.number("@timestamp").put(row, stream.eventMs ?? this.#context.nowMs);
    batch.text("data_stream.dataset").putText(row, QUARANTINE_DATASET);
    batch.text("event.kind").putText(row, "pipeline_error");
    batch.text("error.message").putText(row, reason);
    batch.text("event.original").put(row, line, 0, line.length);
    this.counts.quarantined += 1;
    stream.recent.refuse(reason);
  }

  #fold(): void {
    const { rows } = this.#batch;
    const from = this.#foldedRows;
    if (rows === from) return;
    this.#deriver.derive(from, rows);
    const deltas = this.#frames.fold(from, rows, this.#deps.onFrames !== undefined);
    this.#deps.onFrames?.(deltas);
    this.#deps.onRows?.(this.#batch, from, rows);
    this.#foldedRows = rows;
  }

  *#streamTimes(): Iterable<number> {
    for (const { id, eventMs } of this.#streams.all()) {
      if (eventMs !== undefined && this.#pending.has(id)) yield eventMs;
    }
  }

  #seal(signal: AbortSignal): Promise<void> {
    this.#sealing ??= this.#append(signal)
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#sealing = undefined;
      });
    return this.#sealing;
  }

  async #append(signal: AbortSignal): Promise<void> {
    if (this.#pending.size === 0) return;
    this.#fold();
    const cells = this.#frames.takeCells();
    for (let waitMs = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.max)) {
      try {
        await this.#deps.store.append(this.#batch, cells, this.#pending);
        break;
      } catch (error) {
        if (!this.#deps.onStoreError || signal.aborted) throw error;
        this.#deps.onStoreError(error, waitMs);
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
    const newest = [...this.#streamTimes()];
    this.#deps.onSealed?.({
      rows: this.#batch.rows,
      newestEventMs: newest.length > 0 ? Math.max(...newest) : undefined,
    });
    this.#sealAfterMs = Math.min(this.#sealAfterMs * 2, this.#deps.sealAfterMs);
    this.#batch.reset();
    this.#deriver.reset();
    this.#frames.reset();
    this.#pending.clear();
    this.#foldedRows = 0;
    this.#bytesUnsealed = 0;
    this.#oldestUnsealedMs = undefined;
  }
}
