import type { FileHandle } from "node:fs/promises";

/** The bytes of one file, decompressed. Reads go forward: `at` never falls below that of an earlier read. */
export type ByteReader = {
  /** Fills `into` from offset `at` on. Resolves to the bytes read: fewer than requested means the current end. */
  read(into: Buffer, at: number): Promise<number>;
  /** What is wrong with the compressed data, as a message for people. */
  readonly damage: string | undefined;
};

/** Reads an uncompressed file; reads may go backward too. */
export function plainReader(handle: FileHandle): ByteReader {
  return {
    damage: undefined,
    async read(into, at) {
      let used = 0;
      while (used < into.length) {
        const { bytesRead } = await handle.read(into, used, into.length - used, at + used);
        if (bytesRead === 0) break;
        used += bytesRead;
      }
      return used;
    },
  };
}
