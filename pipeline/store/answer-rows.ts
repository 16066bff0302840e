import { asList, asNumber, asText, type Row } from "./duck.ts";
import type { AggregateRow, MergedCell } from "./port.ts";

/** The rows of `aggregateSql`, one for each latency bucket. */
export function aggregateRows([t, by, buckets, values]: Row): AggregateRow[] {
  const tMs = asNumber(t);
  const split = asText(by);
  const counts = asList(values);
  return asList(buckets).map((bucket, i) => ({
    tMs,
    by: split,
    bucket: bucket === null ? null : asNumber(bucket),
    value: asNumber(counts[i]),
  }));
}

/** The rows of `cellsSql`, one for each key. */
export function mergedCells([t, dataset, measure, keys, values, sketches]: Row): MergedCell[] {
  const shared = {
    tMs: asNumber(t),
    dataset: asText(dataset) ?? "",
    measure: asText(measure) ?? "",
  };
  const numbers = asList(values);
  const parts = asList(sketches);
  return asList(keys).map((key, i) => ({
    ...shared,
    key: asText(key) ?? "",
    value: asNumber(numbers[i]),
    sketches: asList(parts[i]).filter((part) => part instanceof Uint8Array),
  }));
}
