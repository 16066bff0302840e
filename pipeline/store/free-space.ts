import { statfs } from "node:fs/promises";

import type { SegmentFolder } from "./segment-folder.ts";

/** Less free space than this is a problem, and on small disks less than this share. */
const BYTES_MIN = 1024 ** 3;
const SHARE_MIN = 0.05;
const SHORTAGE = "space";

/** Reports that the disk of the store is nearly full, before no event can be stored any more. */
export async function noteFreeSpace(segments: SegmentFolder): Promise<void> {
  const found = await statfs(segments.folder).catch(() => undefined);
  if (!found) return;
  const { bavail, blocks, bsize } = found;
  if (bavail * bsize < Math.min(BYTES_MIN, blocks * bsize * SHARE_MIN)) {
    const message = `the disk of ${segments.folder} is nearly full: when it is full, no event can be stored`;
    segments.noteProblem(SHORTAGE, message, "space");
  } else segments.forgetProblem(SHORTAGE);
}
