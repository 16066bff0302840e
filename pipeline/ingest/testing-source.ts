import type { Chunk, Source, SourceId } from "#collectors/source.ts";

const SOURCE_ID = "src_test";

/** A source of one log, which is read from the stored position on and split after the given offsets. */
export const logSource = (
  { sourceId = SOURCE_ID, ...about }: Pick<Chunk, "path" | "header"> & { sourceId?: SourceId },
  log: string | Uint8Array,
  cuts: readonly number[] = [],
): Source => ({
  async *read(positions) {
    const bytes = typeof log === "string" ? Buffer.from(log) : log;
    let from = Number((await positions()).get(sourceId)?.["offset"] ?? 0);
    for (const to of [...cuts, bytes.length].filter((cut) => cut > from)) {
      const offset = from;
      // Overwritten afterwards, as a source that reuses its buffer does.
      const buffer = Buffer.from(bytes.subarray(offset, to));
      const chunk: Chunk = {
        ...about,
        sourceId,
        bytes: buffer,
        offset,
        position: { offset: to },
        // Events of pushed lines do not span chunks.
        ...(!about.header && {
          positionAt: (first: Uint8Array) => ({ offset: offset + first.length }),
        }),
        bytesSkipped: 0,
      };
      yield chunk;
      buffer.fill(0x78);
      from = to;
    }
  },
});
