import { randomInt } from "node:crypto";

import { expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { BAD_KINDS } from "../../bench/lib/bad-release-kinds.ts";
import { BadReleases, lineOf } from "../../bench/lib/bad-releases.ts";
import { runProgram } from "../harness/program.ts";

const KINDS = Object.keys(BAD_KINDS);

test("bad releases of each kind end as promised, with a reason and without a failed request, in terminal and API", async () => {
  const folder = temporaryFolder();
  const bad = BadReleases.open({
    folder,
    edge: "local",
    host: `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`,
    workloads: KINDS.length,
    exitS: 5,
    say: () => undefined,
  });
  onTestFinished(() => bad[Symbol.asyncDispose]());
  const results = await bad.run(KINDS, 1);
  const faults = results.filter(({ fault }) => fault !== undefined).map(lineOf);
  expect(faults).toEqual([]);
  expect(results.map(({ kind }) => kind).toSorted()).toEqual(KINDS.toSorted());
  const crashed = results.find(({ kind }) => kind === "crash-loop");
  const shown = await runProgram(["deploys", crashed?.deploy ?? "", "--data", bad.dataFolder]);
  expect(shown.stdout).toContain("exit code 9");
  expect(shown.stdout).toContain("Correct the cause and deploy again.");
  expect(shown.stdout).toContain("Way back: The release before serves.");
}, 300_000);
