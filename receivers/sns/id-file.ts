import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";

import { replaceFile } from "#platform/state-file.ts";

/** Epoch ms as a double, and a hash of 64 bits. */
const ENTRY_BYTES = 16;
/** The file is written anew when it has so many times the entries that are remembered. */
const SIZE_MAX = 2;

/** The hash of an id, 16 hex digits, and when it was seen; epoch ms. */
export type SeenId = { hash: string; atMs: number };

/**
 * Ids that were seen, in a file to which each is appended, so that they are known after a restart. What a power failure
 * takes from its end is found on the bus. It has twice as many entries as are remembered at most, 16 bytes each.
 */
export class IdFile {
  readonly #file: string;
  readonly #idsMax: number;
  #descriptor: number | undefined;
  #entries = 0;

  constructor(file: string, idsMax: number) {
    this.#file = file;
    this.#idsMax = idsMax;
  }

  /** The ids in the file, oldest first. A missing file has none; a damaged one has others, which are those of no message. */
  read(): SeenId[] {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#file);
    } catch {
      return [];
    }
    const count = Math.floor(bytes.length / ENTRY_BYTES);
    const from = Math.max(0, count - this.#idsMax);
    return Array.from({ length: count - from }, (_, n) => {
      const at = (from + n) * ENTRY_BYTES;
      return {
        atMs: bytes.readDoubleLE(at),
        hash: bytes.toString("hex", at + 8, at + ENTRY_BYTES),
      };
    });
  }

  /** Replaces the content, so that it is complete before or after. */
  write(ids: readonly SeenId[]): void {
    this.close();
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    replaceFile(this.#file, Buffer.concat(ids.map(entryOf)));
    this.#descriptor = openSync(this.#file, "a", 0o600);
    this.#entries = ids.length;
  }

  /** Whether the file is to be written anew. */
  get isLarge(): boolean {
    return this.#entries >= this.#idsMax * SIZE_MAX;
  }

  append(id: SeenId): void {
    if (this.#descriptor === undefined) return;
    writeSync(this.#descriptor, entryOf(id));
    this.#entries += 1;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function entryOf({ hash, atMs }: SeenId): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.writeDoubleLE(atMs, 0);
  entry.write(hash, 8, "hex");
  return entry;
}
