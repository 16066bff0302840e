import type { Batch } from "#collectors/batch.ts";
import { detectFormat } from "#collectors/detect.ts";
import type { Format, FormatContext, LineScanner } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { Chunk, Position, SourceId, SourceStatus } from "#collectors/source.ts";

import { RecentLines } from "./recent-lines.ts";

const SAMPLE_BYTES = 64 * 1024;

/** The last event of a chunk, which may continue in the next one. */
export type Held = {
  bytes: Uint8Array;
  /** Offset of the event in the stream, and the position from which it can be read again. */
  offset: number;
  position: Position;
  retime: Chunk["retime"];
};

/** The state of a stream while it is read. Pushed lines with different headers have separate states. */
export type Stream = {
  id: SourceId;
  format: Format | undefined;
  /** Dataset of lines without one. */
  dataset: string;
  scan: LineScanner;
  /** Time of the last line with a time, epoch ms; used for quarantined lines. */
  eventMs: number | undefined;
  path: string;
  /** Position after everything that was read, including a held-back event. */
  position: Position;
  held: Held | undefined;
  heldSinceMs: number;
  readonly recent: RecentLines;
};

const unrecognised: LineScanner = () =>
  "unknown format: `quarterdeck parse` shows what is recognised";

/** The streams of a batch. Each format is bound to the batch's columns once. */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  readonly #scanners = new Map<Format, LineScanner>();
  readonly #batch: Batch;
  readonly #context: FormatContext;

  constructor(batch: Batch, context: FormatContext) {
    this.#batch = batch;
    this.#context = context;
  }

  of(chunk: Chunk): Stream {
    const key = keyOf(chunk);
    let stream = this.#streams.get(key);
    if (!stream) {
      stream = {
        id: chunk.sourceId,
        format: undefined,
        dataset: "",
        scan: unrecognised,
        eventMs: undefined,
        path: chunk.path,
        position: chunk.position,
        held: undefined,
        heldSinceMs: 0,
        recent: new RecentLines(),
      };
      this.#streams.set(key, stream);
    }
    stream.path = chunk.path;
    if (!stream.format) this.#recognise(stream, chunk);
    return stream;
  }

  /** The status of each path, with the number of its latest quarantined lines and the reason. */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    const notes = new Map<string, string>();
    for (const { path, recent } of this.#streams.values()) {
      const { note } = recent;
      if (note !== undefined) notes.set(path, note);
    }
    return sources.map((source) => {
      const note = notes.get(source.path);
      if (note === undefined) return source;
      const level = source.level === "error" ? "error" : "warning";
      return { ...source, level, message: `${source.message}; ${note}` };
    });
  }

  /** Removes the streams of a source with their held-back events. */
  forget(id: SourceId): void {
    for (const [key, stream] of this.#streams) if (stream.id === id) this.#streams.delete(key);
  }

  all(): Iterable<Stream> {
    return this.#streams.values();
  }

  #recognise(stream: Stream, chunk: Chunk): void {
    const { header, bytes, path } = chunk;
    const name = header?.format;
    const format =
      name === undefined
        ? detectFormat(bytes.subarray(0, SAMPLE_BYTES), path).format
        : findFormat(name);
    if (!format) {
      if (name !== undefined) stream.scan = () => `the format ${name} is unknown`;
      return;
    }
    const scan = this.#scanners.get(format) ?? format.open(this.#batch, this.#context);
    this.#scanners.set(format, scan);
    stream.format = format;
    stream.dataset = header?.dataset ?? format.dataset;
    stream.scan = scan;
  }
}

const keyOf = ({ sourceId, header }: Chunk): string =>
  header ? `${sourceId} ${header.format ?? ""} ${header.dataset ?? ""}` : sourceId;
