import type { TrackedFile } from "./tracked-file.ts";

/** How long a file is quiet before it is taken to be complete: compressed; left by its writer; gone. */
export const PACKED_QUIET_MS = 300;
const LEFT_QUIET_MS = 5_000;
export const GONE_QUIET_MS = 30_000;
/** A line that nothing ends is handed out when nothing was appended for so long. */
const LINE_QUIET_MS = 600_000;

/** Whether something was written that no line end follows yet. */
export function hasOpenLine(file: TrackedFile): boolean {
  if (file.state === "new") return file.size > 0;
  return file.state === "reading" && file.size > (file.stream?.print.offset ?? 0);
}

export function enoughMs(file: TrackedFile): number {
  const mayEnd = file.isLeft || file.isGone || file.compression !== undefined;
  return mayEnd ? LEFT_QUIET_MS : LINE_QUIET_MS;
}

/** Whether a last line that nothing ends is one: nothing will be added to it. */
export function mayEndNow(file: TrackedFile): boolean {
  const isUnpackedWell = file.compression !== undefined && !file.reader().damage;
  return file.isComplete || isUnpackedWell;
}
