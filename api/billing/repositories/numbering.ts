import type { Queryable } from "#platform/postgres/database.ts";

import { type Numbered, type SeriesKind, numbered, seriesOf } from "../domain/numbering.ts";

/**
 * The next number of a year's series. Its row stays locked to the end of the transaction, and a transaction that does
 * not commit gives the number back: no gap, no double. Take it last: everybody else waits.
 */
export async function nextNumber(
  tx: Queryable,
  kind: SeriesKind,
  nowMs: number,
): Promise<Numbered> {
  const series = seriesOf(kind, nowMs);
  const [row] = await tx.query(
    `INSERT INTO number_series (series, last) VALUES ($1, 1)
     ON CONFLICT (series) DO UPDATE SET last = number_series.last + 1 RETURNING last`,
    [series],
  );
  return numbered(series, Number(row?.["last"]));
}
