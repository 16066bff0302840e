import type { Chunk, RecordHeader } from "#collectors/source.ts";

import type { ReadObjects } from "./read-objects.ts";

type Lines = {
  /** For people. */
  path: string;
  /** With a line end after each. */
  bytes: Buffer;
  /** ECS documents, or of any format. */
  format?: "ecs";
};

/** The lines as a chunk that is remembered as a whole object with this id, so that it is stored once. */
export function wholeChunk(
  among: ReadObjects,
  id: string,
  { path, bytes, format }: Lines,
): Chunk & { header: RecordHeader } {
  const reading = among.open(id);
  const { sourceId } = reading;
  const offset = reading.offset();
  const position = reading.advance(bytes.length, { at: bytes.length, isEnd: true });
  const header = { ...(format && { format }), fields: {} };
  return { sourceId, path, header, bytes, offset, position, bytesSkipped: 0 };
}
