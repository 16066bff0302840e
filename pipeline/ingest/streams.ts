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
  /** Where the event begins in the stream, and the position from which it is read again. */
  offset: number;
  position: Position;
  retime: Chunk["retime"];
};

/** What is known of one stream while it is read. Lines that were sent to us with different headers are different ones. */
export type Stream = {
  id: SourceId;
  format: Format | undefined;
  /** Dataset of lines that do not name one. */
  dataset: string;
  scan: LineScanner;
  /** Time of the last line that had one, epoch ms; quarantined lines get it. */
  eventMs: number | undefined;
  path: string;
  /** Position after everything that was read, including what is held back. */
  position: Position;
  held: Held | undefined;
  heldSinceMs: number;
  readonly recent: RecentLines;
};

const unrecognised: LineScanner = () =>
  "no known format: `quarterdeck parse` shows what is recognised";

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

  /** The status of each path, with how many of its last lines no format understood, and why. */
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

  /** Forgets the streams of a source, with what is held back of them. */
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
      if (name !== undefined) stream.scan = () => `the format ${name} is not known`;
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
