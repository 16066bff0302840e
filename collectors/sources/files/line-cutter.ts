import type { ChunkMemory } from "#collectors/source.ts";

import type { ByteReader } from "./byte-reader.ts";
import type { Compression } from "./file-kind.ts";
import { type AfterNuls, trailingZerosFrom } from "./nuls.ts";

const LF = 0x0a;
/** Fewer NULs within a line are part of it. */
const HOLE_BYTES_MIN = 64 * 1024;
const SKIP_BYTES = 64 * 1024;

/** A file from which lines are cut. */
type CutFile = {
  compression: Compression | undefined;
  reader(): ByteReader;
  readNuls(from: number): Promise<AfterNuls>;
};

/** Complete lines and the offset after them. The bytes are valid until the next cut. */
export type Cut = {
  bytes: Buffer;
  /** The bytes from which they were cut, which may be followed by others before `end`. */
  read: Buffer;
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
  /** Where lines are read into, if it has room. */
  memory: ChunkMemory | undefined;

  constructor(chunkBytes: number, lineBytesMax: number) {
    this.#chunkBytes = Math.min(chunkBytes, lineBytesMax);
    this.#lineBytesMax = lineBytesMax;
    this.#buffer = Buffer.allocUnsafeSlow(this.#chunkBytes);
  }

  /** The next whole lines from offset `at` on; with `lastLineCounts`, also an unterminated last line. */
  async next(file: CutFile, at: number, lastLineCounts: boolean): Promise<Cut | undefined> {
    const reader = file.reader();
    this.#begin();
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
        return { bytes, read: bytes, end: at + whole, bytesSkipped: 0, isLast };
      }
      if (atEnd) return undefined;
      used += count;
      const hole = trailingZerosFrom(this.#buffer.subarray(0, used));
      if (used - hole >= HOLE_BYTES_MIN) {
        return this.#cutAtHole(file, { at, used, hole }, lastLineCounts);
      }
      if (used >= this.#lineBytesMax) return this.#skipRest(reader, at, lastLineCounts);
      this.#grow();
    }
  }

  /**
   * A hole ends the line before it, but not before something follows it: a writer may have reserved the space for its
   * next lines. For the same reason zeros at the end of a file are never skipped, unless it is compressed.
   */
  async #cutAtHole(
    file: CutFile,
    { at, used, hole }: { at: number; used: number; hole: number },
    lastLineCounts: boolean,
  ): Promise<Cut | undefined> {
    const after = await file.readNuls(at + hole);
    if (after.is === "more" || (after.is === "end" && !lastLineCounts)) return undefined;
    const isReserved = after.is === "end" && file.compression === undefined;
    const end = isReserved ? at + hole : after.at;
    if (end === at) return undefined;
    return {
      bytes: this.#buffer.subarray(0, hole),
      read: this.#buffer.subarray(0, Math.min(used, end - at)),
      end,
      bytesSkipped: 0,
      isLast: after.is === "end",
    };
  }

  #begin(): void {
    const shared = this.memory?.(this.#chunkBytes);
    if (shared) this.#buffer = shared;
    else if (this.#buffer.length > this.#chunkBytes) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#chunkBytes);
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
        return { bytes: head, read: head, end: offset, bytesSkipped, isLast: newline < 0 };
      }
    }
  }
}
