import type { Batch } from "#collectors/batch.ts";
import type { NumberField } from "#collectors/fields.ts";

import { Sketches } from "../fold/cells.ts";
import { numbersOf } from "../fold/entry-values.ts";
import { LiveGauges } from "../fold/live-parts.ts";
import type { RowBlock } from "../fold/row-block.ts";
import { GaugeSeconds } from "../live/gauge-seconds.ts";
import { Gauge } from "../sketches/gauge.ts";
import {
  BOTH_LEVELS,
  type Measure,
  type MeasuredMetric,
  metric,
  type MetricBase,
  type RowFold,
} from "./measure.ts";
import { has } from "./raw-filters.ts";

type Definition = Pick<MetricBase, "title" | "meaning" | "unit"> & { field: NumberField };

const METRICS: readonly {
  suffix: string;
  title: string;
  meaning: string;
  value(gauge: Gauge): number | null;
}[] = [
  { suffix: "last", title: "last", meaning: "The last value.", value: ({ last }) => last },
  { suffix: "min", title: "minimum", meaning: "The smallest value.", value: ({ min }) => min },
  { suffix: "max", title: "maximum", meaning: "The largest value.", value: ({ max }) => max },
  { suffix: "mean", title: "mean", meaning: "The mean of all values.", value: ({ mean }) => mean },
];

/** Measures a field that is a state, not an amount, by last, minimum, maximum and mean, over events of any kind. */
export function gaugeMeasure(name: string, definition: Definition): Measure<Gauge> {
  const { field } = definition;
  const measure: Measure<Gauge> = {
    name,
    open: () => new Gauge(),
    cells: [
      {
        measure: name,
        levels: BOTH_LEVELS,
        add(into, { sketches }) {
          for (const sketch of sketches) into.mergeBytes(sketch);
        },
      },
    ],
    raw: () => [
      {
        aggregate: { kind: "gauge", field },
        where: [has(field)],
        add(into, { gauge }) {
          if (gauge) into.mergeValues(gauge);
        },
      },
    ],
    folds: [(batch) => foldGauge(batch, name, field)],
    live: () => new GaugeSeconds(),
    metrics: () => METRICS.map((kind) => gaugeMetric(measure, definition, kind)),
  };
  return measure;
}

function gaugeMetric(
  measure: Measure<Gauge>,
  { title, meaning, unit }: Definition,
  kind: (typeof METRICS)[number],
): MeasuredMetric {
  return metric({
    name: `${measure.name}_${kind.suffix}`,
    title: `${title}, ${kind.title}`,
    unit,
    meaning: `${meaning} ${kind.meaning} No value if no event has one.`,
    of: [measure],
    value: ([gauge]) => (gauge.count > 0 ? kind.value(gauge) : null),
  });
}

function foldGauge(batch: Batch, name: string, field: NumberField): RowFold {
  const gauges = new Sketches(() => new Gauge());
  const live = new LiveGauges();
  let values: Float64Array = new Float64Array();
  let times: Float64Array = new Float64Array();
  const add = ({ first, minutes }: RowBlock, offsets: Uint16Array, count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const offset = offsets[i]!;
      const value = values[first + offset]!;
      if (!Number.isNaN(value)) gauges.at(minutes[offset]!).add(times[first + offset]!, value);
    }
  };
  const addLive = ({ first, liveSlots }: RowBlock, offsets: Uint16Array, count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const offset = offsets[i]!;
      const value = values[first + offset]!;
      if (!Number.isNaN(value)) live.add(liveSlots[offset]!, times[first + offset]!, value);
    }
  };
  return {
    name,
    prepare() {
      values = numbersOf(batch, field);
      times = numbersOf(batch, "@timestamp");
    },
    add(block) {
      if (values.length === 0) return;
      add(block, block.requests, block.requestCount);
      add(block, block.others, block.otherCount);
    },
    addLive(block) {
      if (values.length === 0) return;
      addLive(block, block.liveRequests, block.liveRequestCount);
      addLive(block, block.liveOthers, block.liveOtherCount);
    },
    takeCells: (spans) => gauges.take(spans, name),
    takeLive: (slots) => live.take(slots),
  };
}
