/** Reads bytes from any position, as a file handle does; fewer than `length` are possible, none at the end. */
export type RandomReader = {
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
};

/** Reads the bytes of a file, decompressed. Reads only go forward: `at` never decreases. */
export type ByteReader = {
  /**
   * Fills `into` from offset `at` on. Resolves to the number of bytes read: fewer than requested at the current end.
   */
  read(into: Buffer, at: number): Promise<number>;
  /** The damage of the compressed data, as a message for people. */
  readonly damage: string | undefined;
};

/** Reads an uncompressed file; reads may also go backward. */
export function plainReader(handle: RandomReader): ByteReader {
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
