import type { Fingerprint } from "./fingerprint.ts";
import { readRange } from "./fingerprint.ts";
import type { Stream, TrackedFile } from "./tracked-file.ts";

/** Whether the open file still has what was read of it: if not, it was truncated, and perhaps written anew. */
export async function isSame(file: TrackedFile, print: Fingerprint): Promise<boolean> {
  await file.refresh();
  if (file.size < print.offset) return false;
  const { front, tail, start, offset } = print;
  const reader = file.reader();
  const frontNow = await readRange(reader, start, start + front.length);
  if (!frontNow.equals(front)) return false;
  return (await readRange(reader, offset - tail.length, offset)).equals(tail);
}

/** Lets go of the stream; its content is asked anew, and is not the stream that was there before. */
export function wasTruncated(file: TrackedFile, stream: Stream): void {
  file.formerIds.add(stream.id);
  file.stream = undefined;
  file.state = "new";
  file.isDirty = true;
  file.isComplete = false;
  if (stream.holder === file) stream.holder = undefined;
}
