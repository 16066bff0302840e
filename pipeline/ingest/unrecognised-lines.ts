import { detectLines, sampleLines } from "#collectors/detect.ts";
import type { Format, FormatContext } from "#collectors/format.ts";
import type { Chunk } from "#collectors/source.ts";

/**
 * Lines of a stream whose format is not known yet. They are held, and the stored position stays before them, until a
 * format is recognised, or until they are too many or too old: then they are quarantined.
 */
export class UnrecognisedLines {
  bytes = 0;
  /** When the first of the chunks was read. */
  sinceMs = 0;
  #chunks: Chunk[] = [];
  #examinedBytes = 0;

  /** Adds a chunk, whose bytes are valid until the next one is read: then `take` or `hold` must have been called. */
  add(chunk: Chunk, nowMs: number): void {
    if (this.#chunks.length === 0) this.sinceMs = nowMs;
    this.#chunks.push(chunk);
    this.bytes += chunk.bytes.length;
  }

  /**
   * Detects the format of all lines that are held. Unless it `mustExamine` them, it does so only when they have doubled
   * since the last time, which limits the cost of many small chunks.
   */
  recognise(
    path: string,
    { mustExamine, ...context }: Pick<FormatContext, "cloudFrontFields"> & { mustExamine: boolean },
  ): Format | undefined {
    if (!mustExamine && this.bytes < 2 * this.#examinedBytes) return undefined;
    this.#examinedBytes = this.bytes;
    return detectLines(sampleLines(this.#chunks.map(({ bytes }) => bytes)), path, context).format;
  }

  hold(): void {
    const last = this.#chunks.pop();
    if (last) this.#chunks.push({ ...last, bytes: Buffer.from(last.bytes) });
  }

  /** Removes and returns the chunks. */
  take(): Chunk[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.bytes = 0;
    this.#examinedBytes = 0;
    return chunks;
  }
}
