import { gaugeMeasure } from "./gauge-measure.ts";

export const connections = gaugeMeasure("connections", {
  field: "haproxy.connections.active",
  title: "Connections",
  unit: "count",
  meaning: "Connections that HAProxy had open when it logged a request or a session.",
});
