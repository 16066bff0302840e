import type { ByteReader } from "./byte-reader.ts";

const LF = 0x0a;
const SKIP_BYTES = 64 * 1024;

/** Complete lines and the offset after them. `bytes` is valid until the next cut. */
export type Cut = {
  bytes: Buffer;
  /** Offset after the lines. */
  end: number;
  bytesSkipped: number;
  /** There is no more data at the moment. */
  isLast: boolean;
};

/** Reads complete lines of any stream into one buffer, which grows only for over-long lines. */
export class LineCutter {
  readonly #chunkBytes: number;
  readonly #lineBytesMax: number;
  #buffer: Buffer;

  constructor(chunkBytes: number, lineBytesMax: number) {
    this.#chunkBytes = Math.min(chunkBytes, lineBytesMax);
    this.#lineBytesMax = lineBytesMax;
    this.#buffer = Buffer.allocUnsafeSlow(this.#chunkBytes);
  }

  /** The next whole lines from offset `at` on; with `lastLineCounts`, also an unterminated last line. */
  async next(reader: ByteReader, at: number, lastLineCounts: boolean): Promise<Cut | undefined> {
    if (this.#buffer.length > this.#chunkBytes) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#chunkBytes);
    }
    let used = 0;
    for (;;) {
      const room = this.#buffer.subarray(used);
      const count = await reader.read(room, at + used);
      const atEnd = count < room.length;
      const newline = room.subarray(0, count).lastIndexOf(LF);
      const whole = atEnd && lastLineCounts ? used + count : newline < 0 ? 0 : used + newline + 1;
      if (whole > 0) {
        const bytes = this.#buffer.subarray(0, whole);
        const isLast = atEnd && whole === used + count;
        return { bytes, end: at + whole, bytesSkipped: 0, isLast };
      }
      if (atEnd) return undefined;
      used += count;
      if (used >= this.#lineBytesMax) return this.#skipRest(reader, at, lastLineCounts);
      this.#grow();
    }
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#buffer.length * 4, this.#lineBytesMax));
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }

  /** The buffer is filled by the head of a line: finds the end of the line and discards the bytes in between. */
  async #skipRest(
    reader: ByteReader,
    at: number,
    lastLineCounts: boolean,
  ): Promise<Cut | undefined> {
    const head = this.#buffer;
    const scratch = Buffer.allocUnsafe(SKIP_BYTES);
    let offset = at + head.length;
    for (;;) {
      const count = await reader.read(scratch, offset);
      const newline = scratch.subarray(0, count).indexOf(LF);
      offset += newline < 0 ? count : newline + 1;
      const atEnd = count < scratch.length;
      if (newline < 0 && atEnd && !lastLineCounts) return undefined;
      if (newline >= 0 || atEnd) {
        const bytesSkipped = offset - at - head.length;
        return { bytes: head, end: offset, bytesSkipped, isLast: newline < 0 };
      }
    }
  }
}
