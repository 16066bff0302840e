import type { Fingerprint } from "./fingerprint.ts";
import { readRange } from "./fingerprint.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";

/** Whether the open file still contains what was read: if not, it was truncated, and perhaps rewritten. */
export async function isSame(file: TrackedFile, fingerprint: Fingerprint): Promise<boolean> {
  await file.refresh();
  if (file.size < fingerprint.offset) return false;
  const { front, tail, start, offset } = fingerprint;
  const reader = file.reader();
  const frontNow = await readRange(reader, start, start + front.length);
  if (!frontNow.equals(front)) return false;
  return (await readRange(reader, offset - tail.length, offset)).equals(tail);
}

/** Detaches the file from its stream; its content is identified again and is not the earlier stream. */
export function wasTruncated(file: TrackedFile, stream: Stream): void {
  file.formerIds.add(stream.id);
  file.stream = undefined;
  file.state = "new";
  file.isDirty = true;
  file.isComplete = false;
  if (stream.holder === file) stream.holder = undefined;
}
