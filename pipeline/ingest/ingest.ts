import type { Batch } from "#collectors/batch.ts";
import type { FormatContext } from "#collectors/format.ts";
import { fillFields } from "#collectors/header-fields.ts";
import type { Chunk, Positions, Revocation, Source, SourceStatus } from "#collectors/source.ts";

import { textRedactor } from "../processing/processing.ts";
import { type DescribedLine, describeLastLine } from "./describe-last-line.ts";
import type { IngestCounts, IngestDeps } from "./ingest-deps.ts";
import { LineTaker } from "./line-taker.ts";
import { MessageLines } from "./message-lines.ts";
import { SourceActivities } from "./source-activities.ts";
import type { SourceActivity } from "./source-activity.ts";
import type { Stream } from "./stream.ts";
import { Streams } from "./streams.ts";
import { UnstoredBatch } from "./unstored-batch.ts";

const SEAL_AFTER_FIRST_MS = 200;
/** Time for which an event waits for lines that may continue it, and a split line for its next part. */
const HELD_MS_MAX = { event: 300, part: 5_000 };
/** Storing waits for the rest of split lines, at most for so many ticks. */
const WAITS_MAX = 20;

/** Of the event of a line that is longer than its limit: only its beginning is stored. */
const CUT_LINE = { "log.flags": "truncated" };

/**
 * Source → format → batch → store, with frames and rollups on the way. Rows and positions become durable together. A
 * line that no format can parse is stored in the quarantine dataset, with the reason.
 */
export class Ingest {
  readonly #deps: IngestDeps;
  readonly #unstored: UnstoredBatch;
  readonly #batch: Batch;
  readonly #context: FormatContext;
  readonly #streams: Streams;
  readonly #lines: LineTaker;
  readonly #messages: MessageLines;
  readonly counts: IngestCounts = {
    lines: 0,
    events: 0,
    quarantined: 0,
    dropped: 0,
    droppedByRule: {},
    bytes: 0,
    bytesSkipped: 0,
  };
  readonly redacted = (): Readonly<Record<string, number>> => this.#unstored.redacted;
  readonly #activities = new SourceActivities();
  #quarantinedBefore = 0;
  #sealAfterMs: number;
  #waits = 0;
  #foldedMs = Number.NEGATIVE_INFINITY;
  #sealing: Promise<void> | undefined;
  #failure: Error | undefined;
  #confirm = async (): Promise<void> => undefined;

  constructor(deps: IngestDeps) {
    this.#deps = deps;
    this.#sealAfterMs = Math.min(SEAL_AFTER_FIRST_MS, deps.sealAfterMs);
    this.#context = {
      zone: deps.zone,
      nowMs: deps.clock.nowMs(),
      trustedProxies: deps.rules.trustedProxies,
      cloudFrontFields: deps.rules.cloudFrontFields,
    };
    this.#unstored = new UnstoredBatch(deps);
    this.#batch = this.#unstored.batch;
    this.#streams = new Streams(this.#batch, this.#context, deps.unitOf);
    this.#lines = new LineTaker(this.#batch, this.#context, this.counts);
    this.#messages = new MessageLines(this.#batch, this.#context, this.#lines);
  }

  /**
   * Reads the source to its end or until the signal aborts; everything read is stored before it returns. If the source
   * or the store fails, it throws, and the next run reads again what is not stored.
   */
  async run(source: Source, ending: AbortSignal): Promise<void> {
    this.#confirm = async () => source.confirm?.();
    await this.#unstored.datasets.read();
    const failed = new AbortController();
    const signal = AbortSignal.any([ending, failed.signal]);
    const ticker = setInterval(() => this.#tick(signal), this.#deps.foldEveryMs);
    try {
      const memory = (bytes: number): Buffer | undefined => this.#lines.chunkMemory(bytes);
      for await (const item of source.read(() => this.#readPositions(), signal, memory)) {
        await this.#sealing;
        if (this.#failure) break;
        if (!("bytes" in item)) {
          await this.#release(item, signal);
          continue;
        }
        this.#take(item);
        if (this.#unstored.isFull) await this.#seal(signal);
        else this.#foldIfDue();
      }
      await this.#sealing;
      if (!this.#failure) this.#takeOverdue(0, ending.aborted);
      await this.#seal(signal);
    } finally {
      clearInterval(ticker);
      failed.abort();
      await this.#sealing;
    }
    if (this.#failure) throw this.#failure;
  }

  /** The source's status of each path, with the number of its latest quarantined lines and of its moved events. */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    const described = this.#unstored.datasets.statusWith(this.#streams.statusWith(sources));
    const all = [...described, ...this.#activities.pushedStatuses(described)];
    const redact = textRedactor(this.#deps.processing);
    // Why a line was refused quotes it.
    if (!redact) return all;
    return all.map((it) => ({
      ...it,
      message: redact(it.message),
      ...(it.reason !== undefined && { reason: redact(it.reason) }),
    }));
  }

  /** What arrived from each source. */
  activities(): SourceActivity[] {
    return this.#activities.reports(this.#streams.all(), this.#deps.clock.nowMs());
  }

  /** The line of the source that arrived last since this process started, as it is stored, and its fields. */
  lastLineOf(source: string): DescribedLine | undefined {
    const last = this.#activities.lastLineOf(source);
    const { zone, rules, clock } = this.#deps;
    const redact = textRedactor(this.#deps.processing);
    return last && describeLastLine(last, { zone, rules, nowMs: clock.nowMs(), redact });
  }

  /** The source reads the positions before it continues a stream: the streams continue with their formats. */
  async #readPositions(): Promise<Positions> {
    const positions = await this.#deps.store.positions();
    this.#streams.update(positions);
    this.#activities.restore(positions);
    return positions;
  }

  #tick(signal: AbortSignal): void {
    if (this.#sealing || this.#failure) return;
    this.#takeOverdue();
    this.#fold();
    const oldest = this.#unstored.sinceMs;
    if (oldest === undefined) return;
    // Absolute, so that rows do not wait for hours after the clock was set back.
    const ageMs = Math.abs(this.#deps.clock.nowMs() - oldest);
    if (ageMs < this.#sealAfterMs || this.#waitsForParts()) return;
    void this.#seal(signal);
  }

  /** New lines are folded at once, unless others were folded just before: then by the next tick. */
  #foldIfDue(): void {
    if (performance.now() - this.#foldedMs >= this.#deps.foldEveryMs) this.#fold();
  }

  #fold(): void {
    this.#foldedMs = performance.now();
    this.#unstored.fold();
  }

  #waitsForParts(): boolean {
    const isSplit = [...this.#streams.all()].some(({ held }) => held.parts.size > 0);
    this.#waits = isSplit ? this.#waits + 1 : 0;
    if (this.#waits <= WAITS_MAX) return isSplit;
    this.#waits = 0;
    return false;
  }

  /** Stores what was read of a source, because another process continues from there. */
  async #release(revocation: Revocation, signal: AbortSignal): Promise<void> {
    await this.#seal(signal);
    // Lines that are held are after the stored position.
    this.#streams.forget(revocation);
  }

  #take(chunk: Chunk): void {
    this.#context.nowMs = this.#deps.clock.nowMs();
    const stream = this.#streams.of(chunk);
    for (const ready of this.#streams.ready(stream, chunk)) this.#takeChunk(stream, ready);
  }

  #takeChunk(stream: Stream, chunk: Chunk): void {
    const batch = this.#batch;
    stream.firstRow = batch.rows;
    stream.position = chunk.position;
    stream.writtenMs = chunk.writtenMs;
    stream.chunk = chunk;
    (stream.readsMessages ? this.#messages : this.#lines).takeChunk(stream, chunk);
    this.#finish(stream);
    stream.chunk = undefined;
    if (chunk.header) {
      fillFields(batch, chunk.header.fields, { from: stream.firstRow, to: batch.rows });
    }
    if (chunk.bytesSkipped > 0 && batch.rows > stream.firstRow) {
      fillFields(batch, CUT_LINE, { from: batch.rows - 1, to: batch.rows });
    }
    this.#count(chunk);
    this.#activities.addBytes(stream, chunk);
  }

  /** Takes what was held for long enough: events that may continue, and lines whose format is not known. */
  #takeOverdue(ageMs?: number, isStopped = false): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#context.nowMs = nowMs;
    for (const stream of this.#streams.all()) {
      for (const chunk of this.#streams.overdue(stream, ageMs)) this.#takeChunk(stream, chunk);
      if (stream.held.isEmpty) continue;
      const { event, part } = HELD_MS_MAX;
      // After a stop, the next run reads them again, together with what continues them.
      if (isStopped) continue;
      this.#takeHeld(stream, {
        eventMs: nowMs - (ageMs ?? event),
        partMs: nowMs - (ageMs ?? part),
      });
    }
  }

  #takeHeld(stream: Stream, changedBefore?: { eventMs: number; partMs: number }): void {
    stream.firstRow = this.#batch.rows;
    this.#lines.takeHeld(stream, changedBefore);
    this.#finish(stream);
  }

  /** Writes the source fields of the stream's new rows, and records the position after them. */
  #finish(stream: Stream): void {
    const batch = this.#batch;
    const first = stream.firstRow;
    const ids = batch.text("log.source.id");
    const paths = batch.text("log.file.path");
    ids.ids.fill(ids.internText(stream.id), first, batch.rows);
    if (stream.path !== "") paths.ids.fill(paths.internText(stream.path), first, batch.rows);
    const rows = batch.rows - first;
    this.counts.lines += rows;
    this.counts.events = this.counts.lines - this.counts.quarantined - this.counts.dropped;
    this.#streams.settle(stream, rows);
    const quarantined = this.counts.quarantined - this.#quarantinedBefore;
    this.#quarantinedBefore = this.counts.quarantined;
    this.#activities.add(batch, stream, { quarantined, nowMs: this.#context.nowMs });
    const activity = this.#activities.storedOf(stream);
    this.#unstored.positions.set(stream.id, this.#streams.positionOf(stream, activity));
    const times = batch.number("@timestamp").values;
    const added = { from: first, to: batch.rows };
    stream.ahead.count(times, added, this.#context.nowMs);
    stream.late.add(batch, added, stream.writtenMs);
    this.#unstored.sinceMs ??= this.#context.nowMs;
  }

  #count(chunk: Chunk): void {
    this.counts.bytes += chunk.bytes.length;
    this.counts.bytesSkipped += chunk.bytesSkipped;
    this.#unstored.bytes += chunk.bytes.length;
    this.#deps.onProgress?.(this.counts);
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
    for (const stream of this.#streams.all()) {
      if (stream.held.isOvertaken) this.#takeHeld(stream);
    }
    this.#fold();
    this.#countDropped();
    this.#activities.notePushed(this.#streams.all(), this.#unstored.positions);
    const { onSealed } = this.#deps;
    const { rows } = this.#batch;
    const recentRows = onSealed ? this.#unstored.recentRows(this.#deps.clock.nowMs()) : 0;
    if (!(await this.#unstored.store(signal, this.#confirm))) return;
    onSealed?.({ rows, historyRows: rows - recentRows });
    this.#sealAfterMs = Math.min(this.#sealAfterMs * 2, this.#deps.sealAfterMs);
  }

  /** The counts of dropped events are stored with the positions after them. */
  #countDropped(): void {
    for (const [id, byRule] of this.#unstored.takeDropped()) {
      const stream = this.#streams.addDropped(id, byRule);
      if (stream) {
        const activity = this.#activities.storedOf(stream);
        const known = this.#unstored.positions.get(id);
        this.#unstored.positions.set(id, this.#streams.positionOf(stream, activity, known));
      }
      for (const [rule, events] of byRule) {
        this.counts.dropped += events;
        this.counts.droppedByRule[rule] = (this.counts.droppedByRule[rule] ?? 0) + events;
      }
    }
    this.counts.events = this.counts.lines - this.counts.quarantined - this.counts.dropped;
  }
}
