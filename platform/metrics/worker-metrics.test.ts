import { expect, test } from "vitest";

import type { MetricJson } from "./metric-json.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

const metric = (type: string, value: number, route = "/"): MetricJson => ({
  name: `${type}_total`,
  help: "",
  type,
  aggregator: "sum",
  values: [{ value, labels: { route } }],
});
const total = (all: MetricJson[][], name: string): number =>
  all
    .flat()
    .filter((it) => it.name === name)
    .flatMap((it) => it.values)
    .reduce((sum, { value }) => sum + value, 0);

test("the counters of workers that have exited are kept, but not their gauges", async () => {
  const metrics = new WorkerMetrics<{ name: string }>();
  for (const [name, counted] of [
    ["a", 5],
    ["b", 7],
  ] as const) {
    const worker = { name };
    metrics.received(worker, { id: 0, metrics: [metric("counter", counted), metric("gauge", 1)] });
    metrics.exited(worker);
  }
  const running = { name: "c" };
  const all = await metrics.collect([running], (worker, id) =>
    metrics.received(worker, { id, metrics: [metric("counter", 1, "/x"), metric("gauge", 1)] }),
  );
  expect(total(all, "counter_total")).toBe(13);
  expect(total(all, "gauge_total")).toBe(1);
});

test("a worker that exits during a collection ends the wait, and its final counters are used", async () => {
  const metrics = new WorkerMetrics<{ name: string }>();
  const worker = { name: "a" };
  metrics.received(worker, { id: 0, metrics: [metric("counter", 5)] });
  const all = await metrics.collect([worker], () => metrics.exited(worker));
  expect(total(all, "counter_total")).toBe(5);
});
