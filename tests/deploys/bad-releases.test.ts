import { randomInt } from "node:crypto";

import { expect, onTestFinished, test } from "vitest";

import type { MemberCaller } from "#access/route.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { followDeploys } from "#server/deploys/follow-deploys.ts";
import { contentOf } from "#server/deploys/pages/page-content.ts";

import { BAD_KINDS } from "../../bench/lib/bad-release-kinds.ts";
import { BadReleases, lineOf } from "../../bench/lib/bad-releases.ts";
import { runProgram } from "../harness/program.ts";

/** Characters of a reason on the page of a deploy. */
const REASON_SHOWN_MAX = 1_000;
const OWNER: MemberCaller = {
  kind: "member",
  id: "mem_1",
  address: "127.0.0.1",
  signedIn: {
    member: { id: "mem_1", email: "ana@example.com", name: "Ana", role: "owner" },
    grants: [],
  },
};
const KINDS = Object.keys(BAD_KINDS);

test("bad releases of each kind end as promised, with a reason and without a failed request, in the terminal and on the page", async () => {
  const folder = temporaryFolder();
  const bad = BadReleases.open({
    folder,
    edge: "local",
    host: `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`,
    workloads: KINDS.length,
    exitS: 5,
    say: () => undefined,
    signal: new AbortController().signal,
  });
  onTestFinished(() => bad[Symbol.asyncDispose]());
  const results = await bad.run(KINDS, 1);
  const faults = results.filter(({ fault }) => fault !== undefined).map(lineOf);
  expect(faults).toEqual([]);
  expect(results.map(({ kind }) => kind).toSorted()).toEqual(KINDS.toSorted());
  const deploys = followDeploys(bad.dataFolder);
  onTestFinished(() => deploys.stop());
  for (const { deploy: id, reason } of results) {
    const shown = await contentOf({ page: "deploy", id }, { caller: OWNER, nowMs: 0 }, deploys);
    // Of the one that was held, a person has decided meanwhile.
    if (!("history" in shown)) throw new Error("it is another page");
    const told = shown.history.map((line) => line.reason);
    expect(told).toContain(reason);
    // The page cuts longer ones.
    expect(reason.length).toBeLessThan(REASON_SHOWN_MAX);
  }
  const crashed = results.find(({ kind }) => kind === "crash-loop");
  const shown = await runProgram(["deploys", crashed?.deploy ?? "", "--data", bad.dataFolder]);
  expect(shown.stdout).toContain("exit code 9");
  expect(shown.stdout).toContain("Correct the cause and deploy again.");
  expect(shown.stdout).toContain("Way back: The release before serves.");
}, 300_000);
