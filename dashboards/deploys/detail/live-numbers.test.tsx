import { NuqsTestingAdapter } from "nuqs/adapters/testing";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import type { DeployDetail } from "../messages.ts";
import { LiveNumbers } from "./live-numbers.tsx";

type Live = NonNullable<DeployDetail["live"]>;
type Nodes = NonNullable<Live["nodes"]>;

const lane = { requests: 10, errors: 0, latencyMsP95: 5 };
const LIVE: Live = {
  lanes: { blue: lane, green: lane },
  lanesSinceMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  nodes: null,
  tasks: null,
};
const read: Nodes[number] = {
  node: "lb1",
  isReachable: true,
  isCurrent: true,
  live: "blue",
  shareBp: { blue: 10_000, green: 0 },
  serving: { blue: 1, green: 1 },
  sessions: { blue: 3, green: 0 },
};
const unread: Nodes[number] = {
  ...read,
  node: "lb2",
  live: null,
  shareBp: null,
  serving: null,
  sessions: null,
};

function shown(live: Partial<Live>): string {
  const plan = { oldColour: "blue", newColour: "green", from: "r1", release: "r2" } as const;
  return renderToStaticMarkup(
    <NuqsTestingAdapter>
      <LiveNumbers plan={plan} live={{ ...LIVE, ...live }} />
    </NuqsTestingAdapter>,
  );
}

const sessionsIn = (page: string): string[] =>
  [...page.matchAll(/<td data-label="Open sessions"[^>]*>([^<]*)/g)].map(([, text = ""]) => text);

test("open sessions are a number only when every node was read", () => {
  const other = { ...read, node: "lb2" };
  expect(sessionsIn(shown({ nodes: [read, other] }))).toEqual(["6", "0"]);
  expect(sessionsIn(shown({ nodes: [read, unread] }))).toEqual(["–", "–"]);
  expect(sessionsIn(shown({ nodes: null }))).toEqual(["–", "–"]);
});

test("the page says since when requests are counted", () => {
  expect(shown({})).toMatch(/are counted since <time dateTime="2026-01-02T03:04:05.000Z"/);
  const none = { ...lane, requests: 0 };
  expect(shown({ lanes: { blue: none, green: none } })).toContain("No request was seen since");
  expect(shown({ lanesSinceMs: null })).not.toContain("since");
});
