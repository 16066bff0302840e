import { asList, asNumber, asText, type Row } from "./duck.ts";
import type { AggregateRow, MergedCell } from "./port.ts";

/** Converts the result of `aggregateSql`, to one row per latency bucket. */
export function aggregateRows([t, by, buckets, values]: Row): AggregateRow[] {
  const shared = { tMs: asNumber(t), by: asText(by) };
  const counts = asList(values);
  return asList(buckets).map((bucket, i) => {
    const value = counts[i];
    if (Array.isArray(value)) return { ...shared, bucket: null, ...gaugeOf(value.map(asNumber)) };
    return { ...shared, bucket: bucket === null ? null : asNumber(bucket), value: asNumber(value) };
  });
}

function gaugeOf(values: number[]): Pick<AggregateRow, "value" | "gauge"> {
  const [count = 0, lastMs = 0, last = 0, min = 0, max = 0, sum = 0] = values;
  return { value: count, gauge: { count, lastMs, last, min, max, sum } };
}

/** Converts the result of `cellsSql`, to one row per key. */
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
