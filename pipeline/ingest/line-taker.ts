import type { Batch } from "#collectors/batch.ts";
import { putOrigin } from "#collectors/envelopes/put-origin.ts";
import {
  isEmpty,
  joined,
  keyOfNext,
  mayHaveEnvelope,
  NO_ORIGIN,
  originKey,
  readable,
  unwrap,
  withCommon,
} from "#collectors/envelopes/unwrap.ts";
import type { Format, FormatContext } from "#collectors/format.ts";
import { eachLine } from "#collectors/lines.ts";
import type { CommonFields, LineRecord } from "#collectors/records.ts";
import type { Chunk } from "#collectors/source.ts";

import { HeldLines } from "./held-lines.ts";
import type { IngestCounts } from "./ingest-deps.ts";
import { lineOf, type LogLine } from "./log-line.ts";
import { messageRow } from "./message-row.ts";
import { QUARANTINE_DATASET, quarantineRow } from "./quarantine.ts";
import { SharedPlainLines } from "./shared-plain-lines.ts";
import { datasetOf, type Stream } from "./stream.ts";
import { RESERVE_ROWS } from "./unstored-batch.ts";

/** An event that has reached this size ends with its next line; a split line ends with its next part. */
const EVENT_BYTES_MAX = 1024 * 1024;
const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** Events and split lines of a stream that are held at a time, for each origin: then all are taken. */
const HELD_MAX = 64;
const SAMPLE_LINES = 100;
/** After so many lines that are not plain, the rest of the chunk is not examined for plain ones. */
const MISSES_MAX = 16;

/**
 * Writes the lines of chunks into rows, without their envelopes. Each line is read by the format that can parse it; one
 * that no format can parse continues the event before it, if that has a format with multi-line events, and otherwise is
 * quarantined.
 */
export class LineTaker {
  readonly #batch: Batch;
  readonly #context: FormatContext;
  /** The same for the times of envelopes, which do not decide the zone of the times of lines. */
  readonly #envelopes: FormatContext;
  readonly counts: IngestCounts;
  /** Also for those who write other rows of the batch. */
  readonly plain: SharedPlainLines;

  constructor(batch: Batch, context: FormatContext, counts: IngestCounts) {
    this.plain = new SharedPlainLines(batch, context);
    this.#batch = batch;
    this.#context = context;
    this.#envelopes = {
      zone: context.zone,
      get nowMs() {
        return context.nowMs;
      },
    };
    this.counts = counts;
  }

  /** Memory in which plain lines are read without copying their chunk first. */
  chunkMemory(bytes: number): Buffer | undefined {
    return this.plain.lines?.chunkMemory(bytes);
  }

  takeChunk(stream: Stream, chunk: Chunk): void {
    const batch = this.#batch;
    const { bytes, offset, retime } = chunk;
    const { formats, keepsLines, held } = stream;
    this.plain.openFor(formats, chunk);
    const time = batch.number("@timestamp");
    const offsets = batch.number("log.offset");
    const datasets = batch.text("data_stream.dataset");
    let dataset = this.#mainDataset(stream);
    formats.path = chunk.path;
    this.#use(stream);
    if (!stream.isSampled) this.#sample(stream, chunk);
    if (keepsLines) batch.lines.begin(bytes);
    const takePlain = this.#plainTaker(stream, chunk);
    const takeLine = (start: number, end: number, common?: CommonFields): void => {
      const scan = formats.scanLine;
      if (scan && held.isEmpty && (formats.readsHeader || !mayHaveEnvelope(bytes, start, end))) {
        const row = batch.rows;
        if (row >= batch.rowsMax) batch.reserve(RESERVE_ROWS);
        if (scan(bytes, start, end) === undefined) {
          const ms = time.values[row];
          if (retime || Number.isNaN(ms)) this.#putTime(stream, retime);
          else stream.eventMs = ms;
          if (datasets.ids[row] === 0) datasets.ids[row] = dataset;
          if (keepsLines) batch.lines.putLine(row, bytes, start, end);
          offsets.values[row] = offset + start;
          batch.commit();
          return;
        }
      }
      this.#takeWrapped(stream, chunk, { start, end, common });
      dataset = this.#mainDataset(stream);
    };
    eachLine(chunk, takeLine, takePlain && ((start) => takePlain(start, dataset)));
    if (!chunk.positionAt) this.takeHeld(stream);
    held.endChunk(chunk);
  }

  /** Takes plain lines from a position on, and returns that of the next line. Undefined if the stream has none. */
  #plainTaker(
    stream: Stream,
    chunk: Chunk,
  ): ((start: number, dataset: number) => number) | undefined {
    const { formats, held } = stream;
    const tail = formats.scanLine?.plainTail;
    const { lines } = this.plain;
    if (!lines || !tail || !stream.keepsLines || chunk.retime) return undefined;
    lines.begin({ bytes: chunk.bytes, offset: chunk.offset, tail });
    const times = this.#batch.number("@timestamp");
    let misses = 0;
    return (start, dataset) => {
      if (!held.isEmpty || misses > MISSES_MAX) return start;
      const next = lines.take(start, dataset);
      if (next === start) misses += 1;
      else {
        misses = 0;
        stream.eventMs = times.values[this.#batch.rows - 1];
      }
      return next;
    };
  }

  /** Takes what the stream holds as complete, as far as it was not changed since then. */
  takeHeld(stream: Stream, changedBefore = { eventMs: Infinity, partMs: Infinity }): void {
    const { held } = stream;
    const { nowMs } = this.#context;
    this.#use(stream);
    // Lines do not wait for hours after the clock was set back.
    const isDue = ({ changedMs }: HeldLines, ms: number): boolean =>
      changedMs <= ms || changedMs > nowMs;
    for (const [key, parts] of held.parts) {
      if (isDue(parts, changedBefore.partMs)) this.#takeParts(stream, key);
    }
    for (const [key, event] of held.events) {
      if (isDue(event, changedBefore.eventMs)) this.#takeEvent(stream, key);
    }
  }

  /** Formats read the next lines with what was decided about those of this stream. */
  #use({ units, zone, formats }: Stream): void {
    this.#context.units = units;
    this.#context.zone = zone;
    this.#context.fieldNames = formats.fieldNames;
  }

  /** The time of the open row; of an event without one, that of its envelope, or that of the stream. */
  #putTime(stream: Stream, retime: Chunk["retime"], originMs = Number.NaN): void {
    const time = this.#batch.number("@timestamp");
    const row = this.#batch.rows;
    const read = time.values[row] ?? Number.NaN;
    const ownMs = Number.isNaN(read) ? originMs : read;
    let ms = retime ? retime(ownMs) : ownMs;
    if (Number.isNaN(ms)) ms = stream.eventMs ?? this.#context.nowMs;
    time.values[row] = ms;
    stream.eventMs = ms;
  }

  /**
   * Reads the first lines twice, so that the units of their durations are decided with the evidence of all of them, and
   * that lines without a time before the first one with a time are dated by it.
   */
  #sample(stream: Stream, chunk: Chunk): void {
    stream.isSampled = true;
    let lines = 0;
    this.#batch.reserve(1);
    eachLine(chunk, (start, end) => {
      lines += 1;
      const { main } = stream.formats;
      if (lines > SAMPLE_LINES || !main || main.begins) return;
      const range = { start, end };
      const origin = unwrap({ bytes: chunk.bytes, ...range }, this.#envelopes);
      const timeMs = stream.formats.tryMain(lineOf(chunk, range, origin).line);
      if (!chunk.retime && timeMs <= this.#context.nowMs) stream.eventMs ??= timeMs;
    });
    stream.units.endSample();
  }

  #mainDataset(stream: Stream): number {
    const { main } = stream.formats;
    return main ? this.#batch.text("data_stream.dataset").internText(datasetOf(stream, main)) : 0;
  }

  #takeWrapped(stream: Stream, chunk: Chunk, range: LineRecord): void {
    if (stream.formats.takesHeader({ bytes: chunk.bytes, ...range })) return;
    const unwrapped = unwrap({ bytes: chunk.bytes, ...range }, this.#envelopes);
    const origin = unwrapped && withCommon(unwrapped, range.common);
    const line = lineOf(chunk, range, origin);
    if (stream.held.size > HELD_MAX) this.takeHeld(stream);
    const key = origin ? `${originKey(origin)}\n` : NO_ORIGIN;
    const { parts, events } = stream.held;
    // Their bytes are consecutive in the stream.
    if (origin && events.has(NO_ORIGIN)) this.#takeEvent(stream, NO_ORIGIN);
    if (!origin || !(origin.isPartial || parts.has(key))) return this.#takeLine(stream, line, key);
    const held = stream.held.addPart(line, key, this.#context.nowMs);
    if (!origin.isPartial || held.bytes > LINE_BYTES_MAX) this.#takeParts(stream, key);
  }

  #takeParts(stream: Stream, key: string): void {
    const parts = stream.held.parts.get(key);
    stream.held.parts.delete(key);
    if (!parts?.origin) return;
    const origin = joined(parts.body, parts.origin, this.#envelopes);
    this.#takeLine(stream, { ...parts.logLine, line: readable(origin), origin }, key);
  }

  #takeEvent(stream: Stream, key: string): void {
    const event = stream.held.events.get(key);
    stream.held.events.delete(key);
    if (!event) return;
    const line = event.logLine;
    this.#batch.reserve(1);
    this.#commit(stream, line, stream.formats.read(line.line));
  }

  #takeLine(stream: Stream, line: LogLine, key: string): void {
    const { formats, held } = stream;
    const { nowMs } = this.#context;
    this.#batch.reserve(1);
    const before = held.events.get(key);
    if (before) {
      if (before.bytes < EVENT_BYTES_MAX && formats.continues(before.event, line.line)) {
        before.append(line, nowMs);
        return;
      }
      this.#takeEvent(stream, key);
      this.#batch.reserve(1);
    }
    const format = formats.mayBegin(line.line) ? formats.main : formats.read(line.line);
    if (!format?.begins) return this.#commit(stream, line, format);
    this.#batch.rollback();
    const { readsHeader } = format;
    const next = keyOfNext(key, { origin: line.origin, readsHeader });
    held.events.set(next, new HeldLines(line, nowMs, formats.eventOf(line.line, format)));
  }

  /** The format has written its fields into the open row. Without one, the line is quarantined unless it is empty. */
  #commit(stream: Stream, line: LogLine, format: Format | undefined): void {
    const { original, offset, retime, origin } = line;
    if (!format && origin && isEmpty(origin)) return;
    const batch = this.#batch;
    const row = batch.rows;
    if (format) {
      this.#putTime(stream, retime, origin?.timeMs);
      const datasets = batch.text("data_stream.dataset");
      if (datasets.ids[row] === 0) datasets.putText(row, datasetOf(stream, format));
      stream.formats.count(format, 1);
      if (format !== stream.formats.main) this.#note(stream, format.dataset);
    } else if (!this.#takeMessage(stream, line)) this.#quarantine(stream, line);
    if (origin) putOrigin(batch, origin, { path: stream.path, format });
    if (!format || stream.keepsLines) {
      batch.lines.putLine(row, original.bytes, original.start, original.end);
    }
    batch.number("log.offset").put(row, offset);
    stream.held.takenOffset = Math.max(stream.held.takenOffset, offset);
    batch.commit();
  }

  /** Takes what no format can read as the message of a program; false if lines of this stream must be read. */
  #takeMessage(stream: Stream, { line, origin, retime }: LogLine): boolean {
    const { unreadDataset, dataset = unreadDataset ?? "" } = stream;
    if (unreadDataset === undefined || !origin) return false;
    messageRow(this.#batch, line, dataset);
    this.#putTime(stream, retime, origin.timeMs);
    this.#note(stream, dataset);
    return true;
  }

  #quarantine(stream: Stream, { origin, retime }: LogLine): void {
    const { reason } = stream.formats;
    const { nowMs } = this.#context;
    const ownMs = origin?.timeMs ?? Number.NaN;
    const timeMs = retime ? retime(ownMs) : ownMs;
    const atMs = timeMs <= nowMs ? timeMs : (stream.eventMs ?? nowMs);
    quarantineRow(this.#batch, { reason, atMs });
    this.counts.quarantined += 1;
    stream.recent.refuse(reason);
    this.#note(stream, QUARANTINE_DATASET);
  }

  /** Counts a row that is not of the main format. */
  #note(stream: Stream, dataset: string): void {
    stream.lines.add(dataset, 1);
    stream.rowsOfOthers += 1;
  }
}
