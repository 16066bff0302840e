import type { MetricJson } from "#platform/http/front.ts";

const COUNTED = new Set(["counter", "histogram"]);

/** What two have counted, together; what only says how it is at the moment is left out. */
export function countUp(one: readonly MetricJson[], other: readonly MetricJson[]): MetricJson[] {
  const metrics = [...one, ...other].filter((it) => COUNTED.has(it.type));
  return [...Map.groupBy(metrics, (it) => it.name).values()].flatMap((alike) => {
    const [first] = alike;
    if (first === undefined) return [];
    const values = Map.groupBy(
      alike.flatMap((it) => it.values),
      ({ metricName, labels }) => JSON.stringify([metricName, labels]),
    );
    return [{ ...first, values: [...values.values()].flatMap(added) }];
  });
}

function added(alike: MetricJson["values"]): MetricJson["values"] {
  const [first] = alike;
  return first ? [{ ...first, value: alike.reduce((sum, { value }) => sum + value, 0) }] : [];
}
