import { expect, test } from "vitest";

import { systemClock as clock } from "#platform/clock.ts";
import { metricsText } from "#platform/metrics/metrics.ts";
import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";

import { temporaryFolder } from "../../tests/harness/program.ts";
import { receiverMetrics } from "./receiver-metrics.ts";

test("/metrics has what receivers got, refused and dropped, by protocol", async () => {
  await using folder = await temporaryFolder();
  const activity = new Activity(clock, (text) => text);
  const lines = [Buffer.from("a\nb\n")];
  for (const stream of ["10.0.0.1", "10.0.0.2"]) {
    activity.received({ protocol: "syslog+udp", stream }, { events: 2, bytes: 4, lines });
  }
  activity.dropped({ protocol: "syslog+udp", stream: "" }, 7);
  activity.refused({ protocol: "syslog+tcp", stream: "10.0.0.1" }, 1, "too slow");
  using _ = publishActivity(folder.path, {
    name: "1",
    addresses: [],

    activity,
    clock,
  });
  const text = await metricsText([receiverMetrics(folder.path, clock.nowMs())]);
  for (const sample of [
    'quarterdeck_received_events_total{protocol="syslog+udp"} 4',
    'quarterdeck_received_bytes_total{protocol="syslog+udp"} 8',
    'quarterdeck_received_dropped_total{protocol="syslog+udp"} 7',
    'quarterdeck_received_refused_total{protocol="syslog+tcp"} 1',
  ]) {
    expect(text).toContain(`${sample}\n`);
  }
});
