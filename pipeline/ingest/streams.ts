import type { Batch } from "#collectors/batch.ts";
import { detectFormat } from "#collectors/detect.ts";
import type { Format, FormatContext, LineScanner } from "#collectors/format.ts";
import type { Chunk, SourceId } from "#collectors/source.ts";

const SAMPLE_BYTES = 64 * 1024;

/** What is known of one stream while it is read: its format, and the time of its newest event. */
export type Stream = {
  id: SourceId;
  format: Format | undefined;
  scan: LineScanner;
  /** Time of the last line that had one; quarantined lines are filed under it. Epoch ms. */
  eventMs: number | undefined;
};

const unrecognised: LineScanner = () =>
  "no known format: `quarterdeck parse` shows what is recognised";

/** The streams of a batch. A format is recognised by the content, and bound to the batch's columns once. */
export class Streams {
  readonly #streams = new Map<SourceId, Stream>();
  readonly #scanners = new Map<Format, LineScanner>();
  readonly #batch: Batch;
  readonly #context: FormatContext;

  constructor(batch: Batch, context: FormatContext) {
    this.#batch = batch;
    this.#context = context;
  }

  of(chunk: Chunk): Stream {
    let stream = this.#streams.get(chunk.sourceId);
    if (!stream) {
      const known = chunk.position["eventMs"];
      const eventMs = typeof known === "number" ? known : undefined;
      stream = { id: chunk.sourceId, format: undefined, scan: unrecognised, eventMs };
      this.#streams.set(chunk.sourceId, stream);
    }
    if (!stream.format) this.#recognise(stream, chunk);
    return stream;
  }

  #recognise(stream: Stream, chunk: Chunk): void {
    const { format } = detectFormat(chunk.bytes.subarray(0, SAMPLE_BYTES), chunk.path);
    if (!format) return;
    const scan = this.#scanners.get(format) ?? format.open(this.#batch, this.#context);
    this.#scanners.set(format, scan);
    stream.format = format;
    stream.scan = scan;
  }
}
