import { DurationUnits } from "#collectors/duration-units.ts";
import type { Position } from "#collectors/source.ts";
import type { StreamFormats } from "#collectors/stream-formats.ts";

import { LineCounts } from "./line-counts.ts";
import { type Decided, formatsIn, storedIn } from "./stored-formats.ts";
import type { StreamZone, ZoneUse } from "./stream-zone.ts";

/** What was decided about the lines of a stream. */
type Recognition = {
  lines: Pick<LineCounts, "note">;
  units: Pick<DurationUnits, "note">;
  zone: ZoneUse;
  dropped: LineCounts;
};

/** Continues a stream with what was decided before. */
export function continueWith(
  {
    lines,
    dropped,
    zone,
    formats,
  }: { lines: LineCounts; dropped: LineCounts; zone: StreamZone; formats: StreamFormats },
  decided: Decided,
): void {
  formats.fieldNames.text = decided.fieldNames;
  lines.restore(decided.lines);
  dropped.restore(decided.dropped);
  zone.restore(decided);
}

/** Message for people; undefined before the first event. */
export function recognitionNote({ lines, dropped, units, zone }: Recognition): string | undefined {
  const notes = [lines.note, droppedNote(dropped), zoneNote(zone), units.note].filter(
    (text) => text !== undefined,
  );
  return notes.length === 0 ? undefined : notes.join("; ");
}

/** Message for people; undefined if no rule dropped events. */
export const droppedNote = (dropped: LineCounts): string | undefined =>
  dropped.isEmpty ? undefined : `dropped by rules: ${dropped.list}`;

function zoneNote({ zone, headerZones }: ZoneUse): string | undefined {
  const ways: string[] = [];
  if (zone !== "") ways.push(`as ${zone} (QUARTERDECK_TIMEZONE overrides it)`);
  if (headerZones.length > 0)
    ways.push(`with the offset of their syslog header (${headerZones.join(", ")})`);
  return ways.length === 0 ? undefined : `times without a zone are read ${ways.join(", or ")}`;
}

/** The events by dataset that are stored with a position. */
export function storedLines(position: Position | undefined): LineCounts {
  const lines = new LineCounts();
  lines.restore(storedIn(position).lines);
  return lines;
}

/** The same of a stream that is not being read, from its stored position. */
export function storedRecognition(position: Position | undefined): string | undefined {
  const stored = storedIn(position);
  const lines = storedLines(position);
  const dropped = new LineCounts();
  dropped.restore(stored.dropped);
  const units = new DurationUnits();
  units.restore(stored.units);
  // Positions of earlier versions have no counts.
  const datasets = formatsIn(position).map(({ dataset }) => dataset);
  const formats = datasets.length > 0 ? `format: ${datasets.join(", ")}` : undefined;
  return recognitionNote({ lines: { note: lines.note ?? formats }, dropped, units, zone: stored });
}

/** Message for people: what rules dropped of pushed events, from all stored positions; undefined if nothing. */
export function droppedOfPushed(positions: Iterable<Position>): string | undefined {
  const dropped = new LineCounts();
  for (const position of positions) {
    const { path, dropped: stored } = storedIn(position);
    if (path === "" && formatsIn(position).length === 0) dropped.restore(stored);
  }
  return droppedNote(dropped);
}
