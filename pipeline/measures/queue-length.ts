import { gaugeMeasure } from "./gauge-measure.ts";

export const queueLength = gaugeMeasure("queue_length", {
  field: "haproxy.backend_queue",
  title: "Queue length",
  unit: "count",
  meaning:
    "Requests ahead of this one in the queue of HAProxy's backend, because its servers were busy.",
});
