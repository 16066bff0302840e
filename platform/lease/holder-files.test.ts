import { expect, test } from "vitest";

import { holderState } from "./holder-files.ts";

const STALE_MS = 15_000;
/** Heartbeat 7 was first seen at 1,000 ms. */
const seenOnce = { heartbeat: 7, sinceMs: 1_000, hasBeaten: false };
const seenBeating = { ...seenOnce, hasBeaten: true };

test.each([
  ["seen for the first time is unsure", [undefined, 7, 1_000], "unsure"],
  ["without a new heartbeat is unsure until it is stale", [seenOnce, 7, 15_999], "unsure"],
  ["without a new heartbeat is dead when it is stale", [seenOnce, 7, 16_000], "dead"],
  ["with a new heartbeat is alive", [seenOnce, 8, 2_000], "alive"],
  ["with a new heartbeat is alive, however late it is", [seenOnce, 8, 99_000], "alive"],
  ["whose clock was set back is alive", [seenOnce, 6, 2_000], "alive"],
  ["that has beaten is alive until it is stale", [seenBeating, 7, 15_999], "alive"],
  ["that has beaten is dead when it is stale", [seenBeating, 7, 16_000], "dead"],
] as const)("a holder %s", (_name, [before, heartbeat, nowMs], state) => {
  expect(holderState(before, { heartbeat, nowMs }, STALE_MS).state).toBe(state);
});

test("the time without a heartbeat is counted from its first sight, not from the last look", () => {
  let watched = holderState(undefined, { heartbeat: 7, nowMs: 1_000 }, STALE_MS).watched;
  for (const nowMs of [6_000, 11_000]) {
    watched = holderState(watched, { heartbeat: 7, nowMs }, STALE_MS).watched;
  }
  expect(watched).toEqual(seenOnce);
  const beaten = holderState(watched, { heartbeat: 8, nowMs: 12_000 }, STALE_MS).watched;
  expect(beaten).toEqual({ heartbeat: 8, sinceMs: 12_000, hasBeaten: true });
});
