import type { LineCounts } from "./line-counts.ts";
import { recognitionNote } from "./recognition.ts";
import type { ZoneUse } from "./stream-zone.ts";

/** What is noted about a stream. */
type Noted = {
  path: string;
  recent: { note: string | undefined };
  ahead: { note(nowMs: number): string | undefined };
  late: { note: string | undefined };
  lines: Pick<LineCounts, "note" | "datasets">;
  dropped: LineCounts;
  units: { note: string | undefined };
  zone: { use: ZoneUse };
};

export type PathNotes = {
  recognised: string | undefined;
  warnings: string[];
  /** Events by dataset. */
  datasets: Record<string, number> | undefined;
};

/** By path: what the latest stream there was recognised as, and the warnings of all. */
export function notesByPath(streams: Iterable<Noted>, nowMs: number): Map<string, PathNotes> {
  const notes = new Map<string, PathNotes>();
  for (const { path, recent, ahead, late, lines, dropped, units, zone } of streams) {
    const found = [recent.note, ahead.note(nowMs), late.note].filter((it) => it !== undefined);
    const before = notes.get(path);
    const warnings = [...(before?.warnings ?? []), ...found];
    const recognised =
      recognitionNote({ lines, dropped, units, zone: zone.use }) ?? before?.recognised;
    notes.set(path, { recognised, warnings, datasets: lines.datasets ?? before?.datasets });
  }
  return notes;
}
