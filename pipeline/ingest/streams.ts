import type { Batch } from "#collectors/batch.ts";
import { detectFormat } from "#collectors/detect.ts";
import type { UnitOfField } from "#collectors/duration-rules.ts";
import { DurationUnits } from "#collectors/duration-units.ts";
import type { Format, FormatContext } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type {
  Chunk,
  Position,
  Positions,
  Revocation,
  SourceId,
  SourceStatus,
} from "#collectors/source.ts";
import { BoundFormats, StreamFormats } from "#collectors/stream-formats.ts";
import { formatsVersion } from "#collectors/user-formats/registry.ts";
import type { Zone } from "#collectors/zone.ts";

import type { DroppedByRule } from "../processing/event-dropper.ts";
import { AheadLines } from "./ahead-lines.ts";
import { formatChosenFor } from "./chosen-format.ts";
import { countRows } from "./count-rows.ts";
import { DroppedCounts } from "./dropped-counts.ts";
import { LogCounts } from "./log-counts.ts";
import { notesByPath, type PathNotes } from "./path-notes.ts";
import { pushedStatus } from "./pushed-status.ts";
import { continueWith, storedLines, storedRecognition } from "./recognition.ts";
import { StoredFormats, withDropped, withFormats } from "./stored-formats.ts";
import { formatsOf, keyOf, newStream, sourceOf, type Stream } from "./stream.ts";

/** Limits of lines that are held until their format is recognised: of one stream, and of all. */
const HELD_BYTES_MAX = { stream: 1024 * 1024, all: 16 * 1024 * 1024 };
const HELD_MS_MAX = 1_000;
/** A stream that has not been read for this long, such as that of a rotated file, is forgotten. */
const IDLE_MS_MAX = 24 * 3_600_000;
/** Senders name as many streams as they like: the one that was not read for the longest time is forgotten. */
const NAMED_STREAMS_MAX = 1_000;

/** The streams of a batch, and their formats. Each format is bound to the batch's columns once. */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  /** Those to which a sender gave a name. */
  readonly #named = new Map<string, Stream>();
  readonly #formats: BoundFormats;
  readonly #stored = new StoredFormats();
  readonly #counts = new LogCounts();
  readonly #dropped = new DroppedCounts();
  /** Of all pushed lines. */
  readonly #pushedAhead = new AheadLines();
  readonly #context: FormatContext;
  readonly #zone: Zone;
  #forgotMs: number;
  readonly #unitOf: UnitOfField;

  constructor(batch: Batch, context: FormatContext, unitOf: UnitOfField = () => undefined) {
    this.#unitOf = unitOf;
    this.#formats = new BoundFormats(batch, context);
    this.#context = context;
    this.#zone = context.zone;
    this.#forgotMs = context.nowMs;
  }

  /** To be called with all stored positions, those stored last at the end. */
  update(positions: Positions): void {
    this.#stored.update(positions);
  }

  of(chunk: Chunk): Stream {
    const key = keyOf(chunk);
    let stream = this.#streams.get(key);
    if (!stream) {
      this.#forgetIdle();
      const formats = new StreamFormats(this.#formats);
      this.#streams.set(
        key,
        (stream = newStream(chunk, formats, {
          pushedAhead: this.#pushedAhead,
          units: this.#unitsOf(chunk),
          zone: this.#zone,
          dropped: this.#dropped.of(chunk, this.#stored),
        })),
      );
      if (chunk.header?.stream !== undefined) this.#forgetNamed();
      if (!chunk.header) {
        continueWith(stream, this.#stored.decidedOf(chunk.sourceId));
        this.#counts.begin(chunk.path, stream.lines, () => this.#stored.linesAt(chunk.path));
        this.#dropped.begin(chunk.path, stream.dropped, this.#stored);
      }
    }
    stream.path = chunk.path;
    stream.source = sourceOf(chunk);
    if (chunk.header?.stream !== undefined) this.#touch(key, stream);
    this.#advance(stream);
    const { formats } = stream;
    if (stream.formatsVersion !== formatsVersion()) this.#renewFormats(stream, chunk);
    if (formats.main) return stream;
    if (chunk.header) this.#setFromHeader(stream, chunk);
    else this.#setFormats(stream, this.#stored.of(chunk));
    return stream;
  }

  /** Formats of users were changed. One that is for the path of the stream is its main format. */
  #renewFormats(stream: Stream, chunk: Chunk): void {
    // Lines that are held until they are recognised are taken before later ones.
    if (stream.unrecognised.bytes > 0) return;
    stream.formatsVersion = formatsVersion();
    const { formats } = stream;
    if (!formats.main && !chunk.header) this.#setFormats(stream, this.#stored.of(chunk));
    formats.renew(findFormat);
    const chosen = formatChosenFor(stream, chunk);
    if (!chosen) return;
    formats.setMain(chosen);
    stream.dataset = chunk.header?.dataset;
  }

  /** The time of a stream goes on while nothing is written: a line without a time that is read now was written now. */
  #advance(stream: Stream): void {
    const { nowMs } = this.#context;
    const { eventMs, readMs } = stream;
    stream.readMs = nowMs;
    if (eventMs === undefined || !(nowMs > readMs)) return;
    stream.eventMs = Math.max(eventMs, Math.min(nowMs, eventMs + nowMs - readMs));
  }

  /**
   * The chunks of the stream that can be parsed, or quarantined, now. While its format is not known, chunks are held.
   */
  ready(stream: Stream, chunk: Chunk): Chunk[] {
    if (stream.formats.main || chunk.header) return [chunk];
    const lines = stream.unrecognised;
    lines.add(chunk, this.#context.nowMs);
    const isFull = lines.bytes >= HELD_BYTES_MAX.stream || this.#heldBytes() > HELD_BYTES_MAX.all;
    if (this.#recognise(stream, isFull) || isFull) return lines.take();
    lines.hold();
    return [];
  }

  /** The chunks that are held for too long, or for more than `ageMs`. Their format is detected a last time. */
  overdue(stream: Stream, ageMs = HELD_MS_MAX): Chunk[] {
    const { bytes, sinceMs } = stream.unrecognised;
    // Absolute, so that lines do not wait for hours after the clock was set back.
    if (bytes === 0 || Math.abs(this.#context.nowMs - sinceMs) < ageMs) return [];
    this.#recognise(stream, true);
    return stream.unrecognised.take();
  }

  /** To be called after the rows of a chunk were written: the main format is that of most lines. */
  settle(stream: Stream, rows: number): void {
    const { formats } = stream;
    countRows(stream, this.#formats.batch, rows);
    stream.recent.count(rows);
    formats.settle(rows);
    if (formats.main && !stream.isPushed) this.#stored.note(stream.path, formatsOf(stream));
  }

  /** Counts events of a source that rules dropped. Returns its stream, whose position has the counts. */
  addDropped(id: SourceId, byRule: DroppedByRule): Stream | undefined {
    const stream = [...this.#streams.values()].findLast((it) => it.id === id);
    for (const [rule, events] of byRule) stream?.dropped.add(rule, events);
    return stream;
  }

  /**
   * The position of a stream, to be stored: with its formats, unless they are in the header of its lines, and the times of
   * its source. `known`: that of the source, of which a later one of several pushed streams may have been read.
   */
  positionOf(stream: Stream, activity: string, known?: Position): Position {
    const { held, position, path, isPushed, source } = stream;
    const read = (isPushed ? known : undefined) ?? held.position ?? position;
    return isPushed
      ? withDropped(read, stream.dropped.stored)
      : withFormats(read, {
          formats: formatsOf(stream),
          path,
          source,
          activity,
          units: stream.units.stored,
          lines: stream.lines.stored,
          fieldNames: stream.formats.fieldNames.text,
          dropped: stream.dropped.stored,
          ...stream.zone.use,
        });
  }

  /**
   * The status of each path, with the formats of its lines, its latest quarantined lines, and its lines ahead of the
   * clock. Those of all pushed lines have a status of their own.
   */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    const { nowMs } = this.#context;
    const notes = notesByPath(this.#streams.values(), nowMs);
    const described = sources.map((source) => {
      const note = notes.get(source.path) ?? this.#storedNoteOf(source.path);
      const level = source.level === "info" && note.warnings.length > 0 ? "warning" : source.level;
      const texts = [source.message, note.recognised, ...note.warnings];
      const message = texts.filter((text) => text !== undefined).join("; ");
      const reason = level === source.level ? undefined : note.warnings.join("; ");
      return {
        ...source,
        level,
        message,
        ...(reason !== undefined && { reason }),
        ...(note.datasets && { datasets: note.datasets }),
      };
    });
    const ahead = this.#pushedAhead.note(nowMs);
    const dropped = this.#dropped.pushedNote;
    const pushed = [dropped, ahead].filter((note) => note !== undefined);
    if (pushed.length === 0) return described;
    return [...described, pushedStatus(pushed, ahead === undefined ? "info" : "warning")];
  }

  /** Of a path that was not read since this process started. */
  #storedNoteOf(path: string): PathNotes {
    const position = this.#stored.positionAt(path);
    const { datasets } = storedLines(position);
    return { recognised: storedRecognition(position), warnings: [], datasets };
  }

  /** Removes the streams that are released, with the lines that are held. */
  forget(revocation: Revocation): void {
    for (const [key, stream] of this.#streams) {
      const isMeant =
        "revoked" in revocation
          ? stream.id === revocation.revoked
          : stream.source === revocation.revokedSource;
      if (isMeant) this.#delete(key, stream);
    }
  }

  /** Forgets streams that are no longer read. If one of them continues, its format is that of its stored position. */
  #forgetIdle(): void {
    const { nowMs } = this.#context;
    // Absolute, so that streams are also forgotten after the clock was set back.
    if (Math.abs(nowMs - this.#forgotMs) < IDLE_MS_MAX) return;
    this.#forgotMs = nowMs;
    for (const [key, stream] of this.#streams) {
      const isIdle = Math.abs(nowMs - stream.readMs) >= IDLE_MS_MAX;
      const isEmpty = stream.held.isEmpty && stream.unrecognised.bytes === 0;
      if (isIdle && isEmpty) this.#delete(key, stream);
    }
  }

  /** A map keeps the order of insertion: the named streams at its beginning were not read for the longest time. */
  #touch(key: string, stream: Stream): void {
    this.#named.delete(key);
    this.#named.set(key, stream);
  }

  #forgetNamed(): void {
    if (this.#named.size < NAMED_STREAMS_MAX) return;
    const [oldest] = this.#named;
    if (oldest) this.#delete(...oldest);
  }

  #delete(key: string, stream: Stream): void {
    this.#named.delete(key);
    this.#streams.delete(key);
    this.#counts.forget(stream.lines);
    this.#dropped.forget(stream.dropped);
  }

  all(): Iterable<Stream> {
    return this.#streams.values();
  }

  #recognise(stream: Stream, mustExamine: boolean): boolean {
    const format = stream.unrecognised.recognise(stream.path, { ...this.#context, mustExamine });
    if (format) this.#setFormats(stream, [format]);
    return format !== undefined;
  }

  #unitsOf(chunk: Chunk): DurationUnits {
    const units = new DurationUnits((field) => this.#unitOf(chunk.path, field));
    if (!chunk.header) units.restore(this.#stored.unitsOf(chunk));
    return units;
  }

  #setFromHeader(stream: Stream, { header, bytes, path }: Chunk): void {
    const name = header?.format;
    const format =
      name === undefined ? detectFormat(bytes, path, this.#context).format : findFormat(name);
    const { formats } = stream;
    stream.dataset = header?.dataset;
    // Messages are in formats of their own.
    if (stream.readsMessages) return;
    formats.isOnly = name !== undefined;
    if (format) formats.setMain(format);
    else if (name !== undefined) formats.unknown = `the format ${name} is unknown`;
  }

  #setFormats(stream: Stream, [main, ...others]: readonly Format[]): void {
    if (main) stream.formats.setMain(main);
    stream.formats.addOthers(others);
  }

  #heldBytes(): number {
    return [...this.#streams.values()].reduce((sum, it) => sum + it.unrecognised.bytes, 0);
  }
}
