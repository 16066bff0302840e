import { asNumber, asText, type Duck } from "./duck.ts";
import { staysSql } from "./expiry.ts";
import type { Cutoffs } from "./retention.ts";
import { mergeExtents, type SegmentFooter } from "./segment-footer.ts";

export type Remaining = Pick<SegmentFooter, "rows" | "extents">;

/** Rows and extents of the events in the files that are not expired. */
export async function remainingRows(
  duck: Duck,
  filesSql: string,
  cutoffs: Cutoffs,
): Promise<Remaining> {
  const stays = staysSql("events", cutoffs);
  const counts = await duck.rows(
    `SELECT "data_stream.dataset", count(*), count("@timestamp"), epoch_ms(min("@timestamp")),
      epoch_ms(max("@timestamp")) FROM ${filesSql}
     WHERE ${stays.text} GROUP BY ALL`,
    stays.parameters,
  );
  const extents = counts.map(([dataset, , rows, from, to]) => ({
    dataset: asText(dataset) ?? "",
    rows: asNumber(rows),
    fromMs: asNumber(from),
    toMs: asNumber(to),
  }));
  return {
    rows: counts.reduce((sum, [, rows]) => sum + asNumber(rows), 0),
    extents: mergeExtents(extents.filter(({ rows }) => rows > 0)),
  };
}
