import type { Chunk, Position } from "#collectors/source.ts";

import type { Cut } from "./line-cutter.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";

/** Advances the fingerprint of the stream past the cut. */
export function chunkOf(
  file: TrackedFile,
  { id, fingerprint }: Stream,
  { cut, source }: { cut: Cut; source: string },
): Chunk {
  const { offset } = fingerprint;
  const before = fingerprint.copy();
  const positionAt = (first: Uint8Array): Position => before.after(first).toPosition();
  fingerprint.advance(cut.read, cut.end);
  const isSealed = file.compression !== undefined && cut.isLast;
  const position = { ...fingerprint.toPosition(), ...(isSealed && { sealed: file.seal }) };
  const { bytes, bytesSkipped } = cut;
  const chunk = {
    sourceId: id,
    path: file.path,
    source,
    bytes,
    offset,
    position,
    positionAt,
    bytesSkipped,
  };
  return file.isCaughtUp ? { ...chunk, writtenMs: file.mtimeMs } : chunk;
}
