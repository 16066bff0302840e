import type { MetricJson } from "#platform/metrics/metric-json.ts";
import { readActivity } from "#receivers/activity/activity-files.ts";
import type { StreamActivity } from "#receivers/activity/activity.ts";

type Count = "events" | "bytes" | "refused" | "dropped";

const HELP: Readonly<Record<Count, string>> = {
  events: "Events that receivers got and kept, since they were started.",
  bytes: "Bytes of these events.",
  refused: "Events and connections that receivers refused; their senders can know it.",
  dropped: "Events that were lost because their senders cannot wait, also in the kernel (UDP).",
};
const COUNTS: readonly Count[] = ["events", "bytes", "refused", "dropped"];

/** What the receivers that run on the data folder got, by protocol. */
export function receiverMetrics(dataFolder: string, nowMs: number): MetricJson[] {
  const streams = readActivity(dataFolder, nowMs).flatMap((it) => it.streams);
  const protocols = [...Map.groupBy(streams, ({ protocol }) => protocol)];
  return COUNTS.map((count) => ({
    name: `quarterdeck_received_${count}_total`,
    help: HELP[count],
    type: "counter",
    aggregator: "sum",
    values: protocols.map(([protocol, them]) => ({
      value: sumOf(them, count),
      labels: { protocol },
    })),
  }));
}

const sumOf = (streams: readonly StreamActivity[], count: Count): number =>
  streams.reduce((sum, stream) => sum + stream[count], 0);
