import { createGunzip, createZstdDecompress } from "node:zlib";

import type { ByteReader, RandomReader } from "./byte-reader.ts";
import type { Compression } from "./file-kind.ts";

const FEED_BYTES = 32 * 1024;
const UNPACKED_BYTES = 256 * 1024;

/** Offsets in the compressed file. */
type Input = {
  /** Of the next piece that the decompressor gets, and of the last one. */
  offset: number;
  lastOffset: number;
  /** Of the damaged piece: from there on the second attempt gets single bytes. */
  byteWiseFrom: number | undefined;
};

/** Decompressed data that may still be read. */
type Output = {
  chunks: Buffer[];
  /** Offsets in the decompressed data of the first byte of `chunks`, and after the last one. */
  from: number;
  to: number;
  /** Bytes that the present attempt has produced of this frame. */
  producedInFrame: number;
};

/**
 * Streams a compressed file with all its members or frames. Decompresses only what is requested. Data before a damaged
 * part is read.
 */
export class CompressedReader implements ByteReader {
  readonly #handle: RandomReader;
  readonly #kind: Compression;
  #decompress;
  #damage: string | undefined;
  /** Where the frame begins, in the file and in the decompressed data. */
  #frame = { inputOffset: 0, outputOffset: 0 };
  readonly #input: Input = { offset: 0, lastOffset: 0, byteWiseFrom: undefined };
  readonly #output: Output = { chunks: [], from: 0, to: 0, producedInFrame: 0 };
  #isWriting = false;
  #isOver = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(handle: RandomReader, kind: Compression) {
    this.#handle = handle;
    this.#kind = kind;
    this.#decompress = this.#start();
  }

  get damage(): string | undefined {
    return this.#damage;
  }

  async read(into: Buffer, at: number): Promise<number> {
    this.#discardBefore(at);
    while (this.#output.to < at + into.length && !this.#isOver) {
      await this.#step();
      this.#discardBefore(at);
    }
    return this.#copy(into, at);
  }

  close(): void {
    this.#decompress.destroy();
  }

  #start() {
    const options = { chunkSize: UNPACKED_BYTES };
    const decompress =
      this.#kind === "gzip" ? createGunzip(options) : createZstdDecompress(options);
    const wake = (): void => this.#wake?.();
    decompress.on("readable", wake);
    decompress.on("end", wake);
    decompress.on("close", wake);
    decompress.on("error", (error) => {
      if (decompress !== this.#decompress) return;
      this.#error = error;
      wake();
    });
    this.#output.producedInFrame = 0;
    this.#input.offset = this.#frame.inputOffset;
    this.#isWriting = false;
    this.#error = undefined;
    return decompress;
  }

  async #step(): Promise<void> {
    const bytes: unknown = this.#decompress.read();
    if (Buffer.isBuffer(bytes)) this.#keepNew(bytes);
    else if (this.#error) this.#retryByteWise(this.#error);
    else if (this.#decompress.readableEnded) await this.#nextFrame();
    else if (this.#isWriting) await new Promise<void>((resolve) => (this.#wake = resolve));
    else await this.#feed();
  }

  /** A second attempt produces the same bytes again: only those that the first one did not produce are kept. */
  #keepNew(bytes: Buffer): void {
    const output = this.#output;
    const alreadyKept = output.to - this.#frame.outputOffset - output.producedInFrame;
    output.producedInFrame += bytes.length;
    const fresh = bytes.subarray(alreadyKept);
    if (fresh.length === 0) return;
    output.chunks.push(fresh);
    output.to += fresh.length;
  }

  /**
   * An error discards the output of the same piece. So the frame is decompressed once more, the damaged piece byte by
   * byte; a second error ends the data.
   */
  #retryByteWise(error: Error): void {
    const input = this.#input;
    if (input.byteWiseFrom === undefined && input.offset > input.lastOffset) {
      input.byteWiseFrom = input.lastOffset;
      this.#decompress = this.#start();
      return;
    }
    this.#isOver = true;
    const what = `the ${this.#kind} data is damaged, truncated, or followed by other data`;
    this.#damage = `${what} after ${this.#output.to} decompressed bytes (${error.message}); the data before is read`;
  }

  async #feed(): Promise<void> {
    const input = this.#input;
    const length = this.#nextLength();
    const piece = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#handle.read(piece, 0, length, input.offset);
    input.lastOffset = input.offset;
    input.offset += bytesRead;
    this.#isWriting = true;
    if (bytesRead === 0) {
      this.#decompress.end();
      return;
    }
    this.#decompress.write(piece.subarray(0, bytesRead), () => {
      this.#isWriting = false;
      this.#wake?.();
    });
  }

  #nextLength(): number {
    const { offset, byteWiseFrom } = this.#input;
    if (byteWiseFrom === undefined) return FEED_BYTES;
    return Math.min(FEED_BYTES, Math.max(1, byteWiseFrom - offset));
  }

  /** zstd ends at the end of a frame, gzip at zeros that pad the file. */
  async #nextFrame(): Promise<void> {
    const inputOffset = this.#frame.inputOffset + this.#decompress.bytesWritten;
    const { bytesRead } = await this.#handle.read(Buffer.alloc(1), 0, 1, inputOffset);
    if (this.#kind === "gzip" || bytesRead === 0) {
      this.#isOver = true;
      return;
    }
    this.#frame = { inputOffset, outputOffset: this.#output.to };
    this.#decompress = this.#start();
  }

  /** Reads go forward, so chunks that end before `at` are not read again. */
  #discardBefore(at: number): void {
    const output = this.#output;
    let passed = 0;
    for (const bytes of output.chunks) {
      if (output.from + bytes.length > at) break;
      output.from += bytes.length;
      passed += 1;
    }
    if (passed > 0) output.chunks.splice(0, passed);
  }

  #copy(into: Buffer, at: number): number {
    let offset = this.#output.from;
    let used = 0;
    for (const bytes of this.#output.chunks) {
      const skip = Math.max(0, at - offset);
      if (used === into.length) break;
      used += bytes.copy(into, used, skip);
      offset += bytes.length;
    }
    return used;
  }
}
