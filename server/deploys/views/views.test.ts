import { expect, test } from "vitest";

import { COMMANDS, DeployDetail, WorkloadView } from "#dashboards/deploys/messages.ts";
import { offered } from "#dashboards/deploys/words.ts";
import type { WorkloadStatus } from "#deployer/engine/workload-status.ts";
import { testDeploy } from "#deployer/journal/testing-records.ts";
import { type Deploy, type State, STATES } from "#deployer/machine/deploy.ts";
import { enter } from "#deployer/machine/move.ts";
import { newWorkload } from "#deployer/machine/workload.ts";

import { detailOf, workloadOf } from "./detail.ts";
import { sentencesOf } from "./plan.ts";
import { stepsOf } from "./steps.ts";

const NOW_MS = 100_000;

/** A deploy from r1 that has passed these states. */
function deployThrough(...states: State[]): Deploy {
  const queued = testDeploy("dep_1", "queued");
  const first: Deploy = { ...queued, plan: { ...queued.plan, from: "r1", release: "r2" } };
  return states.reduce<Deploy>(
    (deploy, to, index) => enter(deploy, { to, reason: "a test" }, 1_000 * (index + 2)),
    first,
  );
}

const statusOf = (active: Deploy | undefined): WorkloadStatus => ({
  workload: { ...newWorkload("billing", 2), sent: { lb1: 7 } },
  active,
  queue: [],
  waitsFor: undefined,
  seen: {
    fleet: undefined,
    oneOff: undefined,
    traffic: {
      lanes: {
        blue: { requests: 9, errors: 1, latencyMsP95: 20 },
        green: { requests: 0, errors: 0, latencyMsP95: undefined },
      },
      peakRps: undefined,
    },
    nodes: [
      {
        id: "lb1",
        isUnreachable: false,
        view: {
          version: 7,
          route: { live: "blue", next: "green", splitBp: 500 },
          releases: { blue: "r1", green: "r2" },
          slots: {
            blue: [{ address: "127.0.0.1:1", state: "ready", up: true, sessions: 3 }],
            green: [{ address: "127.0.0.2:1", state: "ready", up: false, sessions: 1 }],
          },
        },
      },
      { id: "lb2", isUnreachable: true, view: undefined },
    ],
  },
});

const stepsIn = (deploy: Deploy): Record<string, string> =>
  Object.fromEntries(stepsOf(deploy).map(({ step, status }) => [step, status]));

test("every state has a view that fits the schema, and at most one present step", () => {
  for (const state of STATES) {
    const deploy = deployThrough("waiting", state);
    const detail = detailOf(deploy, statusOf(deploy), NOW_MS);
    expect(DeployDetail.parse(detail)).toEqual(detail);
    const present = detail.steps.filter(({ status }) => /current|stopped/.test(status));
    expect(present.length, state).toBeLessThanOrEqual(1);
    expect(detail.wayBack.text).not.toBe("");
  }
  expect(
    WorkloadView.safeParse(
      workloadOf(statusOf(undefined), { freeze: undefined, urls: [], problems: [] }),
    ).success,
  ).toBe(true);
});

test("the steps show how far a deploy came, and where it turned", () => {
  const forward: State[] = ["waiting", "preflight", "provisioning", "verifying", "shifting"];
  const shifting = { done: 4, current: "shifting", next: 3 };
  const summary = (deploy: Deploy) => {
    const steps = stepsIn(deploy);
    const counted = (status: string): number =>
      Object.values(steps).filter((it) => it === status).length;
    return {
      done: counted("done"),
      current: Object.keys(steps).find((it) => /current|stopped/.test(steps[it] ?? "")),
      next: counted("next"),
    };
  };
  expect(summary(deployThrough(...forward))).toEqual(shifting);
  const held = deployThrough(...forward, "held");
  expect(stepsIn(held)["shifting"]).toBe("stopped");
  const back = enter(
    deployThrough(...forward),
    { to: "reverting", outcome: "rolled-back", reason: "errors" },
    9_000,
  );
  for (const state of ["draining-new", "retiring-new", "finishing", "rolled-back"] as const) {
    const deploy = enter(back, { to: state, reason: "" }, 9_001);
    expect(summary(deploy), state).toEqual(shifting);
    expect(stepsIn(deploy)["shifting"]).toBe("stopped");
  }
  const done = deployThrough(...forward, "baking", "finishing", "succeeded");
  expect(summary(done)).toEqual({ done: 8, current: undefined, next: 0 });
});

test("the way back names the command that the machine accepts", () => {
  const wayBackIn = (...states: State[]) => {
    const deploy = deployThrough(...states);
    return detailOf(deploy, statusOf(deploy), NOW_MS).wayBack;
  };
  expect(wayBackIn("waiting", "provisioning").command).toBe("abort");
  expect(wayBackIn("waiting", "baking")).toEqual({
    command: "roll-back",
    text: "The tasks of r1 are ready: roll back returns all traffic to them at once.",
  });
  expect(wayBackIn("waiting", "retiring-old")).toEqual({
    command: "deploy-again",
    text: "The tasks of r1 have been stopped. Deploy r1 again to go back to it.",
  });
  expect(wayBackIn("waiting", "reverting").command).toBeNull();
  expect(wayBackIn("waiting", "aborted").text).toBe("The release before serves.");
  const first = deployThrough("waiting", "aborted");
  const aborted = { ...first, plan: { ...first.plan, from: null } };
  expect(detailOf(aborted, statusOf(undefined), NOW_MS).wayBack.text).toBe(
    "Nothing serves: it was the first release.",
  );
  expect(wayBackIn("waiting", "baking", "succeeded").command).toBe("deploy-again");
});

test("a deploy on its way back offers neither a pause nor a hold", () => {
  const offeredIn = (state: State) => {
    const deploy = deployThrough("waiting", "baking", state);
    return offered(detailOf(deploy, statusOf(deploy), NOW_MS).commands, [...COMMANDS]);
  };
  expect(offeredIn("baking")).toContain("pause");
  for (const state of ["reverting", "draining-new", "retiring-new"] as const) {
    expect(offeredIn(state), state).toEqual([]);
  }
});

test("live numbers are those of the nodes and the edge, and unknown ones are null", () => {
  const deploy = deployThrough("waiting", "shifting");
  const { live } = detailOf(deploy, statusOf(deploy), NOW_MS);
  expect(live?.nodes).toEqual([
    {
      node: "lb1",
      isReachable: true,
      isCurrent: true,
      live: "blue",
      shareBp: { blue: 9_500, green: 500 },
      serving: { blue: 1, green: 0 },
      sessions: { blue: 3, green: 1 },
    },
    {
      node: "lb2",
      isReachable: false,
      isCurrent: false,
      live: null,
      shareBp: null,
      serving: null,
      sessions: null,
    },
  ]);
  expect(live?.lanes?.green.latencyMsP95).toBeNull();
  expect(live?.tasks).toBeNull();
  expect(live?.lanesSinceMs).toBe(deploy.enteredAtMs);
});

test("at full traffic, requests are counted since the deploy began, so that the old release can be compared", () => {
  const deploy = deployThrough("waiting", "preflight", "shifting", "baking");
  const { live } = detailOf(deploy, statusOf(deploy), NOW_MS);
  expect(live?.lanesSinceMs).toBe(deploy.times.startedMs);
  expect(live?.lanesSinceMs).toBeLessThan(deploy.enteredAtMs);
});

test("a plan is told in sentences, the first release without a way back", () => {
  const { plan } = deployThrough("waiting");
  expect(sentencesOf(plan)).toContain("billing serves r1 (blue); r2 becomes green, blue-green.");
  expect(sentencesOf({ ...plan, from: null }).join(" ")).not.toContain("Open requests");
});
