import type { Batch } from "#collectors/batch.ts";

import type { Condition } from "../filter.ts";
import { Sums } from "../fold/cells.ts";
import { numbersOf } from "../fold/entry-values.ts";
import { BOTH_LEVELS, type Measure, metric, type RowFold } from "./measure.ts";
import { lacks, requestFilters } from "./raw-filters.ts";
import { addValue, Sum, ZERO_RULE } from "./sum.ts";

const BODY_BYTES = "http.response.body.bytes";
const ALL_BYTES = "http.response.bytes";

export const bytesSent: Measure<Sum> = {
  name: "bytes_sent",
  open: () => new Sum(),
  cells: [{ measure: "bytes", levels: BOTH_LEVELS, add: addValue }],
  raw: (datasets) =>
    requestFilters(datasets).flatMap((where) => {
      const body: Condition = { field: BODY_BYTES, op: "gt", value: 0 };
      const all: Condition = { field: ALL_BYTES, op: "gt", value: 0 };
      return [
        {
          aggregate: { kind: "sum", field: BODY_BYTES },
          where: [...where, body],
          add: addValue,
        },
        {
          aggregate: { kind: "sum", field: ALL_BYTES },
          where: [...where, lacks(BODY_BYTES), all],
          add: addValue,
        },
      ];
    }),
  folds: [foldBytes],
  metrics: () => [
    metric({
      name: "bytes_sent",
      title: "Bytes sent",
      unit: "bytes",
      meaning: `Bytes of response bodies, or of whole responses if the log has only these. ${ZERO_RULE}`,
      of: [bytesSent],
      value: ([{ value }]) => value,
    }),
  ],
};

function foldBytes(batch: Batch): RowFold {
  const sums = new Sums();
  let bodies: Float64Array = new Float64Array();
  let wholes: Float64Array = new Float64Array();
  return {
    name: bytesSent.name,
    prepare() {
      bodies = numbersOf(batch, BODY_BYTES);
      wholes = numbersOf(batch, ALL_BYTES);
    },
    add({ first, requests, requestCount, minutes }) {
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const row = first + offset;
        let bytes = row < bodies.length ? bodies[row]! : Number.NaN;
        if (Number.isNaN(bytes) && row < wholes.length) bytes = wholes[row]!;
        if (bytes > 0) sums.add(minutes[offset]!, bytes);
      }
    },
    takeCells: (spans) => sums.take(spans, "bytes"),
  };
}
