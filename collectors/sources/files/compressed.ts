import type { FileHandle } from "node:fs/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";

import type { ByteReader } from "./byte-reader.ts";

export type Compression = "gzip" | "zstd";

const FEED_BYTES = 32 * 1024;
const UNPACKED_BYTES = 256 * 1024;

export function compressionOf(path: string): Compression | undefined {
  if (/\.gz$/i.test(path)) return "gzip";
  return /\.zst$/i.test(path) ? "zstd" : undefined;
}

/**
 * Streams a compressed file, all its members or frames. Decompresses only what is requested. Data before a damaged part
 * is read.
 */
export class CompressedReader implements ByteReader {
  readonly #handle: FileHandle;
  readonly #kind: Compression;
  #decompress;
  #damage: string | undefined;
  /** Offsets in the file and in the decompressed data at which the decompressor was started. */
  #frame = { fileOffset: 0, offset: 0 };
  #fedOffset = 0;
  #lastFedOffset = 0;
  /** After an error, everything is decompressed again up to the damaged piece, which is then fed byte by byte. */
  #carefulFrom: number | undefined;
  #isWriting = false;
  #isOver = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  /** Decompressed data that may still be read: `#from` is the offset of its first byte. */
  #decompressed: Buffer[] = [];
  #from = 0;
  #to = 0;
  /** Bytes that the decompressor of this frame has produced. */
  #frameBytes = 0;

  constructor(handle: FileHandle, kind: Compression) {
    this.#handle = handle;
    this.#kind = kind;
    this.#decompress = this.#start();
  }

  get damage(): string | undefined {
    return this.#damage;
  }

  async read(into: Buffer, at: number): Promise<number> {
    this.#forget(at);
    while (this.#to < at + into.length && !this.#isOver) {
      await this.#step();
      this.#forget(at);
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
    this.#frameBytes = 0;
    this.#fedOffset = this.#frame.fileOffset;
    this.#isWriting = false;
    this.#error = undefined;
    return decompress;
  }

  async #step(): Promise<void> {
    const bytes: unknown = this.#decompress.read();
    if (Buffer.isBuffer(bytes)) this.#keep(bytes);
    else if (this.#error) this.#recover(this.#error);
    else if (this.#decompress.readableEnded) await this.#nextFrame();
    else if (this.#isWriting) await new Promise<void>((resolve) => (this.#wake = resolve));
    else await this.#feed();
  }

  /** After an error the same bytes are produced again: only new ones are kept. */
  #keep(bytes: Buffer): void {
    const known = this.#to - this.#frame.offset - this.#frameBytes;
    this.#frameBytes += bytes.length;
    if (known >= bytes.length) return;
    const fresh = bytes.subarray(Math.max(0, known));
    this.#decompressed.push(fresh);
    this.#to += fresh.length;
  }

  /** An error discards the output of the same call, so there is a second, byte-wise attempt. */
  #recover(error: Error): void {
    if (this.#carefulFrom === undefined && this.#fedOffset > this.#lastFedOffset) {
      this.#carefulFrom = this.#lastFedOffset;
      this.#decompress = this.#start();
      return;
    }
    this.#isOver = true;
    const what = `the ${this.#kind} data is damaged, cut off, or followed by something else`;
    this.#damage = `${what} after ${this.#to} decompressed bytes (${error.message}); what precedes it is read`;
  }

  async #feed(): Promise<void> {
    const { length, fileOffset } = this.#nextPiece();
    const piece = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#handle.read(piece, 0, length, fileOffset);
    this.#lastFedOffset = fileOffset;
    this.#fedOffset += bytesRead;
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

  #nextPiece(): { length: number; fileOffset: number } {
    const fileOffset = this.#fedOffset;
    if (this.#carefulFrom === undefined) return { length: FEED_BYTES, fileOffset };
    const length = Math.min(FEED_BYTES, Math.max(1, this.#carefulFrom - fileOffset));
    return { length, fileOffset };
  }

  /** zstd ends at the end of a frame, gzip at zeros that pad the file. */
  async #nextFrame(): Promise<void> {
    const fileOffset = this.#frame.fileOffset + this.#decompress.bytesWritten;
    const { bytesRead } = await this.#handle.read(Buffer.alloc(1), 0, 1, fileOffset);
    if (this.#kind === "gzip" || bytesRead === 0) {
      this.#isOver = true;
      return;
    }
    this.#frame = { fileOffset, offset: this.#to };
    this.#decompress = this.#start();
  }

  #forget(at: number): void {
    let passed = 0;
    for (const bytes of this.#decompressed) {
      if (this.#from + bytes.length > at) break;
      this.#from += bytes.length;
      passed += 1;
    }
    if (passed > 0) this.#decompressed.splice(0, passed);
  }

  #copy(into: Buffer, at: number): number {
    let offset = this.#from;
    let used = 0;
    for (const bytes of this.#decompressed) {
      const skip = Math.max(0, at - offset);
      if (used === into.length) break;
      used += bytes.copy(into, used, skip);
      offset += bytes.length;
    }
    return used;
  }
}
