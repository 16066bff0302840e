import type { FileHandle } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";

import type { ByteReader } from "./byte-reader.ts";

export type Compression = "gzip" | "zstd";

/** Compressed bytes fed in at a time: a bomb of the usual 1 : 1,000 stays within tens of MiB. */
const FEED_BYTES = 32 * 1024;
const UNPACKED_BYTES = 256 * 1024;

export function compressionOf(path: string): Compression | undefined {
  if (/\.gz$/i.test(path)) return "gzip";
  return /\.zst$/i.test(path) ? "zstd" : undefined;
}

/** Streams a compressed file; what precedes its damage, if it has any, is read. */
export class CompressedReader implements ByteReader {
  readonly #handle: FileHandle;
  readonly #kind: Compression;
  readonly #decompress;
  #damage: string | undefined;
  #fedBytes = 0;
  #ended = false;
  /** What is unpacked and not yet passed by: `#from` is the offset of its first byte. */
  #unpacked: Buffer[] = [];
  #from = 0;
  #to = 0;

  constructor(handle: FileHandle, kind: Compression) {
    this.#handle = handle;
    this.#kind = kind;
    const options = { chunkSize: UNPACKED_BYTES };
    this.#decompress = kind === "gzip" ? createGunzip(options) : createZstdDecompress(options);
    this.#decompress.on("data", (bytes: Buffer) => {
      this.#unpacked.push(bytes);
      this.#to += bytes.length;
    });
    this.#decompress.on("error", (error) => this.#stop(error.message));
    this.#decompress.on("end", () => (this.#ended = true));
  }

  get damage(): string | undefined {
    return this.#damage;
  }

  async read(into: Buffer, at: number): Promise<number> {
    this.#forget(at);
    while (this.#to < at + into.length && !this.#ended) {
      await this.#feed();
      this.#forget(at);
    }
    return this.#copy(into, at);
  }

  close(): void {
    this.#decompress.destroy();
  }

  #stop(message: string): void {
    this.#ended = true;
    this.#damage ??= `the ${this.#kind} data is damaged or cut off after ${this.#to} unpacked bytes (${message})`;
  }

  async #feed(): Promise<void> {
    const piece = Buffer.allocUnsafe(FEED_BYTES);
    const { bytesRead } = await this.#handle.read(piece, 0, piece.length, this.#fedBytes);
    this.#fedBytes += bytesRead;
    if (bytesRead > 0) {
      await new Promise<void>((resolve) => {
        this.#decompress.once("close", resolve);
        this.#decompress.write(piece.subarray(0, bytesRead), () => {
          this.#decompress.off("close", resolve);
          resolve();
        });
      });
      return;
    }
    this.#decompress.end();
    await finished(this.#decompress).catch((error: unknown) => {
      this.#stop(error instanceof Error ? error.message : String(error));
    });
    this.#ended = true;
  }

  #forget(at: number): void {
    let passed = 0;
    for (const bytes of this.#unpacked) {
      if (this.#from + bytes.length > at) break;
      this.#from += bytes.length;
      passed += 1;
    }
    if (passed > 0) this.#unpacked.splice(0, passed);
  }

  #copy(into: Buffer, at: number): number {
    let offset = this.#from;
    let used = 0;
    for (const bytes of this.#unpacked) {
      const skip = Math.max(0, at - offset);
      if (used === into.length) break;
      used += bytes.copy(into, used, skip);
      offset += bytes.length;
    }
    return used;
  }
}
