import { expect, test } from "vitest";

import { markersOf } from "./markers.ts";

const event = (deploy: string, action: string, second: number) => ({
  fields: {
    "@timestamp": new Date(second * 1_000).toISOString(),
    "event.action": `deploy-${action}`,
    "service.name": "billing",
    "service.version": "r2",
    "labels.deploy": deploy,
    "labels.from": deploy === "first" ? "" : "r1",
  },
});

test("a deploy is marked where its release gets the first requests, and where it ended", () => {
  const marked = markersOf([
    event("dep_1", "rolled-back", 9),
    event("dep_1", "reverting", 8),
    event("dep_1", "shifting", 5),
    event("dep_1", "shifting", 3),
    event("dep_1", "shifting", 3),
    event("first", "failed", 1),
  ]);
  expect(marked.map(({ deploy, kind, from, atMs }) => [deploy, kind, from, atMs])).toEqual([
    ["first", "failed", null, 1_000],
    ["dep_1", "begins", "r1", 3_000],
    ["dep_1", "rolled-back", "r1", 9_000],
  ]);
});

test("an event that is none of a deploy is left out", () => {
  expect(markersOf([{ fields: { "event.action": "deploy-succeeded" } }])).toEqual([]);
});
