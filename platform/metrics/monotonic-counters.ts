import type { MetricJson } from "./metric-json.ts";

const MONOTONIC = new Set(["counter", "histogram"]);

/** Adds up the counters and histograms of two processes; gauges are left out. */
export function sumCounters(
  one: readonly MetricJson[],
  other: readonly MetricJson[],
): MetricJson[] {
  const metrics = [...one, ...other].filter((it) => MONOTONIC.has(it.type));
  return [...Map.groupBy(metrics, (it) => it.name).values()].flatMap((sameName) => {
    const [first] = sameName;
    if (first === undefined) return [];
    const values = Map.groupBy(
      sameName.flatMap((it) => it.values),
      ({ metricName, labels }) => JSON.stringify([metricName, labels]),
    );
    return [{ ...first, values: [...values.values()].flatMap(sum) }];
  });
}

function sum(values: MetricJson["values"]): MetricJson["values"] {
  const [first] = values;
  return first ? [{ ...first, value: values.reduce((total, it) => total + it.value, 0) }] : [];
}
