import type { Batch } from "#collectors/batch.ts";
import type { Format, FormatContext } from "#collectors/format.ts";
import { endWithoutCr } from "#collectors/line-column.ts";
import { eachLine } from "#collectors/lines.ts";
import type { Chunk } from "#collectors/source.ts";

import type { IngestCounts } from "./ingest-deps.ts";
import { OpenEvent } from "./open-event.ts";
import { QUARANTINE_DATASET, quarantineRow } from "./quarantine.ts";
import { datasetOf, type Stream } from "./streams.ts";
import { RESERVE_ROWS } from "./unstored-batch.ts";

type Line = { bytes: Uint8Array; start: number; end: number };
type Origin = { offset: number; retime: Chunk["retime"] };

/**
 * Writes the lines of chunks into rows. Each line is read by the format that can parse it; one that no format can parse
 * continues the event before it, if that has a format with multi-line events, and otherwise is quarantined.
 */
export class LineTaker {
  readonly #batch: Batch;
  readonly #context: FormatContext;
  readonly #counts: IngestCounts;

  constructor(batch: Batch, context: FormatContext, counts: IngestCounts) {
    this.#batch = batch;
    this.#context = context;
    this.#counts = counts;
  }

  takeChunk(stream: Stream, chunk: Chunk): void {
    const batch = this.#batch;
    const { bytes, offset, retime } = chunk;
    const { formats } = stream;
    const time = batch.number("@timestamp");
    const offsets = batch.number("log.offset");
    const datasets = batch.text("data_stream.dataset");
    const { keepsLines } = stream;
    let dataset = this.#mainDataset(stream);
    formats.path = chunk.path;
    if (keepsLines) batch.lines.begin(bytes);
    eachLine(chunk, (start, end) => {
      const scan = formats.scanLine;
      if (scan && stream.open === undefined) {
        const row = batch.rows;
        if (row >= batch.rowsMax) batch.reserve(RESERVE_ROWS);
        if (scan(bytes, start, end) === undefined) {
          if (retime) time.values[row] = retime(time.values[row] ?? 0);
          stream.eventMs = time.values[row];
          if (datasets.ids[row] === 0) datasets.ids[row] = dataset;
          if (keepsLines) batch.lines.putLine(row, bytes, start, end);
          offsets.values[row] = offset + start;
          batch.commit();
          return;
        }
      }
      this.#takeLine(stream, chunk, { start, end });
      dataset = this.#mainDataset(stream);
    });
    if (!chunk.positionAt) this.takeOpen(stream);
    stream.open?.endChunk(chunk);
  }

  /** Takes the open event of the stream as complete. */
  takeOpen(stream: Stream): void {
    const { open } = stream;
    stream.open = undefined;
    if (!open) return;
    const { bytes } = open;
    this.#takeEvent(stream, { bytes, start: 0, end: endWithoutCr(bytes) }, open);
  }

  #mainDataset(stream: Stream): number {
    const { main } = stream.formats;
    return main ? this.#batch.text("data_stream.dataset").internText(datasetOf(stream, main)) : 0;
  }

  #takeLine(stream: Stream, chunk: Chunk, { start, end }: Omit<Line, "bytes">): void {
    const { formats, open } = stream;
    const { bytes, offset, retime } = chunk;
    this.#batch.reserve(1);
    if (open) {
      if (!open.isFull && !formats.begins(bytes, start, end)) {
        open.append(chunk, end);
        open.changedMs = this.#context.nowMs;
        return;
      }
      this.takeOpen(stream);
      this.#batch.reserve(1);
    }
    const isBegun = formats.main?.begins?.(bytes, start, end) === true;
    const format = isBegun ? formats.main : formats.read(bytes, start, end);
    if (format?.begins) {
      this.#batch.rollback();
      stream.open = new OpenEvent(chunk, start, end);
      stream.open.changedMs = this.#context.nowMs;
    } else {
      const event = { offset: offset + start, retime, format };
      this.#commit(stream, { bytes, start, end }, event);
    }
  }

  #takeEvent(stream: Stream, line: Line, { offset, retime }: Origin): void {
    this.#batch.reserve(1);
    const format = stream.formats.read(line.bytes, line.start, line.end);
    this.#commit(stream, line, { offset, retime, format });
  }

  /** The format has written its fields into the open row. Without one, the line is quarantined. */
  #commit(stream: Stream, line: Line, event: Origin & { format: Format | undefined }): void {
    const { format, offset, retime } = event;
    const batch = this.#batch;
    const row = batch.rows;
    const time = batch.number("@timestamp");
    if (format) {
      if (retime) time.values[row] = retime(time.values[row] ?? 0);
      stream.eventMs = time.values[row];
      const datasets = batch.text("data_stream.dataset");
      if (datasets.ids[row] === 0) datasets.putText(row, datasetOf(stream, format));
      stream.formats.count(format, 1);
      if (format !== stream.formats.main) this.#note(stream, format.dataset);
    } else this.#quarantine(stream);
    if (!format || stream.keepsLines) batch.lines.putLine(row, line.bytes, line.start, line.end);
    batch.number("log.offset").put(row, offset);
    batch.commit();
  }

  #quarantine(stream: Stream): void {
    const { reason } = stream.formats;
    quarantineRow(this.#batch, { reason, atMs: stream.eventMs ?? this.#context.nowMs });
    this.#counts.quarantined += 1;
    stream.recent.refuse(reason);
    this.#note(stream, QUARANTINE_DATASET);
  }

  /** Counts a row that is not of the main format. */
  #note(stream: Stream, dataset: string): void {
    stream.lines.add(dataset, 1);
    stream.rowsOfOthers += 1;
  }
}
