import type { TrackedFile } from "./tracked-file.ts";

/** Quiet periods after which a compressed, rotated or deleted file counts as complete. */
export const COMPRESSED_QUIET_MS = 300;
const ROTATED_QUIET_MS = 5_000;
export const DELETED_QUIET_MS = 30_000;
/** An unterminated line is read after this quiet period. */
const LINE_QUIET_MS = 600_000;

/** Whether the file ends with an unterminated line. */
export function hasUnterminatedLine(file: TrackedFile): boolean {
  if (file.state === "new") return file.size > 0;
  return file.state === "reading" && file.size > (file.stream?.fingerprint.offset ?? 0);
}

export function quietMsMin(file: TrackedFile): number {
  const mayEnd = file.isRotated || file.isDeleted || file.compression !== undefined;
  return mayEnd ? ROTATED_QUIET_MS : LINE_QUIET_MS;
}

/** Whether an unterminated last line is complete, because nothing will be appended to it. */
export function isLastLineComplete(file: TrackedFile): boolean {
  const isIntact = file.compression !== undefined && !file.reader().damage;
  return file.isComplete || isIntact;
}
