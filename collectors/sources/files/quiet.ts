import type { TrackedFile } from "./tracked-file.ts";

/** How long a file must be quiet to count as complete: compressed; rotated; deleted. */
export const COMPRESSED_QUIET_MS = 300;
const ROTATED_QUIET_MS = 5_000;
export const DELETED_QUIET_MS = 30_000;
/** An unterminated line is read when nothing was appended for this long. */
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

/** Whether an unterminated last line is complete: nothing will be added to it. */
export function isLastLineComplete(file: TrackedFile): boolean {
  const isIntact = file.compression !== undefined && !file.reader().damage;
  return file.isComplete || isIntact;
}
