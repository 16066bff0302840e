import { expect, test } from "vitest";

import type { Position, SourceId } from "#collectors/source.ts";

import { SourceActivities } from "./source-activities.ts";
import { withPushed } from "./stored-formats.ts";

const BUS: SourceId = "src_bus";
const times = (arrivedMs: number): string => `${arrivedMs} ${arrivedMs - 5} 60000`;

test("the times of pushed sources continue after a restart, and are stored again", () => {
  const before = withPushed({ offset: 7 }, [
    { source: "token/filebeat", activity: times(1_000) },
    { source: "edge", activity: times(2_000) },
  ]);
  const activities = new SourceActivities();
  activities.restore(new Map([[BUS, before]]));
  const reports = activities.reports([], 3_000);
  expect(reports).toMatchObject([
    { source: "token/filebeat", isPushed: true, arrivedMs: 1_000, newestEventMs: 995 },
    { source: "edge", isPushed: true, arrivedMs: 2_000, usualGapMs: 60_000 },
  ]);
  const positions = new Map<SourceId, Position>([[BUS, { offset: 8 }]]);
  // Only these of a stream are asked for.
  const streams = [{ id: BUS, isPushed: true }] as never;
  activities.notePushed(streams, positions);
  const again = new SourceActivities();
  again.restore(positions);
  expect(again.reports([], 3_000).map(({ source }) => source)).toEqual(["edge", "token/filebeat"]);
  expect(positions.get(BUS)).toMatchObject({ offset: 8 });
});
