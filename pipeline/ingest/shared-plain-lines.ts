import type { Batch } from "#collectors/batch.ts";
import type { FormatContext } from "#collectors/format.ts";
import { openPlainLines, type PlainLines } from "#collectors/plain-lines/plain-lines.ts";
import type { Chunk } from "#collectors/source.ts";
import type { StreamFormats } from "#collectors/stream-formats.ts";

const CHUNK_BYTES_MIN = 64 * 1024;

/** The module of plain lines of a batch, for all who write its rows. */
export class SharedPlainLines {
  readonly #batch: Batch;
  readonly #context: FormatContext;
  /** Undefined until it is opened; null if it cannot be. */
  lines: PlainLines | null | undefined;

  constructor(batch: Batch, context: FormatContext) {
    this.#batch = batch;
    this.#context = context;
  }

  /** Opens it for the first large chunk: for few lines it is not worth its memory. */
  openFor({ scanLine }: StreamFormats, { bytes, header }: Pick<Chunk, "bytes" | "header">): void {
    if (this.lines !== undefined || (bytes.length < CHUNK_BYTES_MIN && !header?.packed)) return;
    if (!scanLine?.plainTail || this.#batch.rows > 0) return;
    this.lines = openPlainLines(this.#batch, this.#context);
  }
}
