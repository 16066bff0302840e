import type { Queryable } from "#platform/postgres/database.ts";

import { type Numbered, type SeriesKind, numbered, seriesOf } from "../domain/numbering.ts";

/**
 * The next number of this year's series. The series stays locked until the transaction ends, and a rollback returns the
 * number, so there are no gaps and no duplicates. Take it late in a transaction, because concurrent transactions wait
 * for it.
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
