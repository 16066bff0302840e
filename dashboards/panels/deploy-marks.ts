import type { DeployMarker } from "../deploys/markers.ts";

/** A marker with the letter by which charts name it. */
export type DeployMark = DeployMarker & { letter: string };

const MARKS_MAX = 26;

/** The newest markers, named A, B, C … in their order. */
export const marksOf = (markers: readonly DeployMarker[]): DeployMark[] =>
  markers
    .slice(-MARKS_MAX)
    .map((marker, index) => ({ ...marker, letter: String.fromCodePoint(65 + index) }));

export const MARK_WORDS: Record<DeployMarker["kind"], { shape: string; word: string }> = {
  begins: { shape: "▶", word: "gets its first requests" },
  succeeded: { shape: "✓", word: "succeeded" },
  "rolled-back": { shape: "↩", word: "was rolled back" },
  failed: { shape: "✕", word: "failed" },
  aborted: { shape: "✕", word: "was aborted" },
  expired: { shape: "◌", word: "expired" },
};
