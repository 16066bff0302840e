import { formatAge } from "#dashboards/format.ts";
import type { SourceRow } from "#dashboards/sources/messages.ts";
import { lagText, rateText, STATES } from "#dashboards/sources/source-words.ts";
import { printable } from "#platform/terminal.ts";

const HEAD = ["STATE", "SOURCE", "RATE", "NEWEST", "LAG", "QUARANTINED", "FORMATS"];

/** The sources as a table, each with the reason of its state below, unless all is well. */
export function sourceTable(rows: readonly SourceRow[], nowMs: number): string {
  const cells = rows.map((row) => [
    STATES[row.state].word,
    printable(row.source),
    rateText(row.eventsPerSecond),
    row.newestEventMs === null ? "–" : formatAge(Math.max(0, nowMs - row.newestEventMs)),
    lagText(row),
    String(row.quarantined),
    printable(row.formats.slice(0, 3).join(", ")),
  ]);
  const widths = HEAD.map((head, at) =>
    Math.max(head.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  const lines = rows.flatMap((row, at) => [
    line(cells[at] ?? []),
    ...(row.state === "receiving" ? [] : [`  ${printable(row.reason)}`]),
  ]);
  return [line(HEAD), ...lines].join("\n");
}
