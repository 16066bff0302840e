import type { DeployMarker } from "../deploys/markers.ts";

/** A marker with the letter by which charts name it. */
export type DeployMark = DeployMarker & { letter: string };

export type DeployMarks = {
  marks: readonly DeployMark[];
  /** Whether there are older ones in the range. */
  isCut: boolean;
};

const MARKS_MAX = 26;

/** The newest markers, named A, B, C … in their order. */
export function marksOf(found: { markers: readonly DeployMarker[]; isCut: boolean }): DeployMarks {
  const marks = found.markers
    .slice(-MARKS_MAX)
    .map((marker, index) => ({ ...marker, letter: String.fromCodePoint(65 + index) }));
  return { marks, isCut: found.isCut || marks.length < found.markers.length };
}

export const MARK_WORDS: Record<DeployMarker["kind"], { shape: string; word: string }> = {
  begins: { shape: "▶", word: "gets its first requests" },
  succeeded: { shape: "✓", word: "succeeded" },
  "rolled-back": { shape: "↩", word: "was rolled back" },
  failed: { shape: "✕", word: "failed" },
  aborted: { shape: "✕", word: "was aborted" },
  expired: { shape: "◌", word: "expired" },
};
