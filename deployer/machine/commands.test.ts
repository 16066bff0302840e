import { describe, expect, test } from "vitest";

import { testDeploy } from "../journal/testing-records.ts";
import { type CommandKind, obey, PERMISSIONS } from "./commands.ts";
import { type Deploy, type State, STATES } from "./deploy.ts";
import { oneOffOf } from "./effects.ts";
import { RULES } from "./states.ts";

const NOW_MS = 100_000;

/** A deploy of a workload with an earlier release. */
function deployIn(state: State, more: Partial<Deploy> = {}): Deploy {
  const deploy = testDeploy("dep_1", state);
  return { ...deploy, plan: { ...deploy.plan, from: "r1" }, ...more };
}

const order = (kind: CommandKind, reason = "because") => ({ kind, actor: "ana", reason });
const obeyed = (deploy: Deploy, kind: CommandKind): Deploy => obey(deploy, order(kind), NOW_MS);

/** Nobody waits for a person in these. */
const WAY_BACK: ReadonlySet<State> = new Set(["reverting", "draining-new", "retiring-new"]);

/** The states in which a command is obeyed, and the state afterwards. */
const OBEYED: Readonly<Record<CommandKind, Partial<Record<State, State>>>> = {
  pause: Object.fromEntries(
    STATES.filter(
      (it) => !RULES[it].isTerminal && it !== "held" && it !== "finishing" && !WAY_BACK.has(it),
    ).map((it) => [it, it]),
  ),
  resume: {},
  hold: Object.fromEntries(
    [
      "waiting",
      "preflight",
      "expanding",
      "provisioning",
      "verifying",
      "admitting",
      "warming",
      "shifting",
      "analysing",
      "baking",
      "committing",
      "draining-old",
      "retiring-old",
      "contracting",
    ].map((it) => [it, "held"]),
  ),
  abort: {
    queued: "aborted",
    waiting: "finishing",
    preflight: "finishing",
    expanding: "finishing",
    provisioning: "draining-new",
    verifying: "draining-new",
    admitting: "draining-new",
    warming: "draining-new",
    contracting: "finishing",
  },
  "roll-back": {
    admitting: "draining-new",
    warming: "draining-new",
    shifting: "reverting",
    analysing: "reverting",
    baking: "reverting",
    committing: "reverting",
    "draining-old": "reverting",
  },
  force: {
    waiting: "waiting",
    preflight: "preflight",
    analysing: "analysing",
    baking: "baking",
  },
};

const KINDS = Object.keys(OBEYED) as CommandKind[];

describe.each(KINDS)("%s", (kind) => {
  test.each(STATES.filter((it) => it !== "held"))("of a deploy that is %s", (state) => {
    const expected = OBEYED[kind][state];
    if (expected === undefined) {
      expect(() => obeyed(deployIn(state), kind)).toThrow(
        expect.objectContaining({ code: "conflict", message: expect.stringMatching(/\.$|again/) }),
      );
      return;
    }
    const after = obeyed(deployIn(state), kind);
    expect(after.state).toBe(expected);
    expect(after.history.at(-1)).toMatchObject({
      by: "ana",
      reason: expect.stringMatching(/^because/),
      atMs: NOW_MS,
    });
  });

  test.each(["", "   ", "x".repeat(1_001)])("needs a reason (%j)", (reason) => {
    expect(() => obey(deployIn("analysing"), order(kind, reason), NOW_MS)).toThrow(
      expect.objectContaining({ code: "unprocessable" }),
    );
  });
});

test.each([...WAY_BACK])(
  "a deploy that is %s is neither paused nor held, and says what is possible",
  (state) => {
    for (const kind of ["pause", "hold"] as const) {
      expect(() => obeyed(deployIn(state), kind)).toThrow(
        /on its way back .* neither paused nor held\. Deploy .+ again if you want it/,
      );
    }
  },
);

test("a held deploy is resumed in the state in which it was held, which begins again", () => {
  const held = obeyed(deployIn("baking", { deaths: 2 }), "hold");
  expect(held).toMatchObject({ state: "held", heldFrom: "baking" });
  expect(obeyed(held, "resume")).toMatchObject({
    state: "baking",
    heldFrom: null,
    enteredAtMs: NOW_MS,
    deaths: 0,
    attempt: 2,
  });
});

test.each<[State, isSame: boolean]>([
  ["expanding", true],
  ["contracting", true],
  ["verifying", false],
])("work in %s that may still run keeps its token after resume: %s", (state, isSame) => {
  const deploy = deployIn(state);
  const resumed = obeyed(obeyed(deploy, "hold"), "resume");
  expect(oneOffOf(resumed)?.token === oneOffOf(deploy)?.token).toBe(isSame);
});

test("abort says that the migration is not stopped", () => {
  const reasons = (["expanding", "contracting", "verifying"] as const).map(
    (state) => obeyed(deployIn(state), "abort").history.at(-1)?.reason,
  );
  const warned = expect.stringMatching(/^because\. The migration may still run: look at \/fleet/);
  expect(reasons).toEqual([warned, warned, "because"]);
});

test.each<[State, CommandKind, State]>([
  ["draining-old", "roll-back", "reverting"],
  ["provisioning", "abort", "draining-new"],
  ["analysing", "force", "analysing"],
])("a deploy that was held in %s obeys %s", (state, kind, after) => {
  expect(obeyed(obeyed(deployIn(state), "hold"), kind).state).toBe(after);
});

test("a paused deploy goes on with the time that it had left", () => {
  const paused = obey(deployIn("baking", { enteredAtMs: 10_000 }), order("pause"), 15_000);
  expect(paused.paused).toEqual({ by: "ana", reason: "because", atMs: 15_000 });
  const resumed = obeyed(paused, "resume");
  expect(resumed).toMatchObject({ paused: null, state: "baking" });
  expect(NOW_MS - resumed.enteredAtMs).toBe(5_000);
});

test("how a deploy ends is decided by the command", () => {
  expect(obeyed(deployIn("provisioning"), "abort").outcome).toBe("aborted");
  expect(obeyed(deployIn("warming"), "roll-back").outcome).toBe("rolled-back");
  // Only the migration is left out; the release stays.
  expect(obeyed(deployIn("contracting"), "abort").outcome).toBe("succeeded");
});

test("the first release of a workload cannot be rolled back once it has traffic", () => {
  const first = testDeploy("dep_1", "analysing");
  expect(() => obeyed(first, "roll-back")).toThrow(/no earlier release/);
});

test("every command has a permission of its own", () => {
  expect(new Set(Object.values(PERMISSIONS)).size).toBe(KINDS.length + 2);
});
