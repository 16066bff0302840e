import { asNumber, type Duck } from "./duck.ts";
import type { Segment } from "./segment-footer.ts";

/** The rows of a segment that are read at a time: fewer if their lines are long. */
export const ROWS_AT_ONCE = 8_192;
const BYTES_AT_ONCE = 16 * 1024 * 1024;
/** The lengths of long lines are added up for so many rows. */
const GROUP_ROWS = 4;

type RowRange = { from: number; to: number };

/** Ranges of row numbers of a segment that are read together. `events`: its rows, as SQL, of which the lengths of lines count. */
export async function rowRanges(
  duck: Duck,
  { rows, hasLongRows }: Segment,
  events: string,
): Promise<RowRange[]> {
  const ranges: RowRange[] = [];
  if (!hasLongRows) {
    for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
      ranges.push({ from, to: from + ROWS_AT_ONCE });
    }
    return ranges;
  }
  const groups = await duck.rows(
    `SELECT file_row_number // ${GROUP_ROWS} AS number, sum(strlen("event.original"))
     FROM ${events} GROUP BY number ORDER BY number`,
  );
  let bytes = 0;
  for (const [number, length] of groups) {
    const from = asNumber(number) * GROUP_ROWS;
    const to = from + GROUP_ROWS;
    bytes += asNumber(length);
    const last = ranges.at(-1);
    if (last && bytes <= BYTES_AT_ONCE && to - last.from <= ROWS_AT_ONCE) {
      last.to = to;
      continue;
    }
    ranges.push({ from, to });
    bytes = asNumber(length);
  }
  return ranges;
}
