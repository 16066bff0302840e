import { expect, test } from "vitest";

import { EffectList } from "#dashboards/deploys/messages.ts";
import type { EdgeConfig, Slot } from "#deployer/drivers.ts";
import type { Effect } from "#deployer/machine/effects.ts";

import { effectOf } from "./effects.ts";

const shown = (effect: Effect, reply = "") =>
  effectOf({
    id: "1.1",
    workload: "billing",
    deploy: "dep_1",
    effect,
    atMs: 1_000,
    result: { status: "failed", reply, atMs: 1_023 },
  });

const empty: Slot = { address: null, state: "maint" };
const slot = (state: Slot["state"], at: number): Slot => ({ address: `127.0.0.${at}:80`, state });
const config: EdgeConfig = {
  version: 7,
  route: { live: "blue", next: "green", splitBp: 500 },
  releases: { blue: "r1", green: "r2" },
  slots: {
    blue: [slot("ready", 1), slot("ready", 2), slot("drain", 3), empty],
    green: [empty, empty, empty, empty],
  },
};

test("a configuration is told in words, with every slot and the reply beside them", () => {
  const reply = "lb1: no such server\n(set server billing_blue/s1 state ready)";
  const effect = shown({ kind: "edge.apply", node: "lb1", config }, reply);
  expect(EffectList.parse({ effects: [effect] }).effects).toEqual([effect]);
  expect(effect).toMatchObject({ target: "node:lb1", tookMs: 23, reply });
  expect(effect.text).toBe(
    "configuration 7: blue 95 % (2 of 4 slots in service, 1 without new requests, 1 empty), green 5 % (all 4 slots empty)",
  );
  expect(effect.exact).toBe(
    "live blue, next green, split 500 of 10000\nblue r1: s1 ready 127.0.0.1:80, s2 ready 127.0.0.2:80, s3 drain 127.0.0.3:80, s4 maint\ngreen r2: s1 maint, s2 maint, s3 maint, s4 maint",
  );
});

test.each<[Effect, string]>([
  [
    { kind: "fleet.ensure", colour: "green", release: "r2", count: 2 },
    "run 2 tasks of r2 as green",
  ],
  [{ kind: "fleet.ensure", colour: "green", release: "r2", count: 1 }, "run 1 task of r2 as green"],
  [
    { kind: "fleet.ensure", colour: "blue", release: "r1", count: 0 },
    "stop all tasks of blue (r1)",
  ],
  [
    { kind: "edge.close", node: "lb1", colour: "blue", overMs: 1_500 },
    "close what is still open to blue, spread over 1.5 s",
  ],
])("other requests are sentences too: %j", (effect, text) => {
  expect(shown(effect).text).toBe(text);
});
