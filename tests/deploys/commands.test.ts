import { expect, test } from "vitest";

import { DeployDetail, DeploySummary, PlanAnswer } from "#dashboards/deploys/messages.ts";

import { openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const idIn = (text: string): string => /dep_[0-9a-f]{24}/.exec(text)?.[0] ?? "";

test("a release is deployed, replaced and rolled back by commands, also when the role is killed in between, without a failed request", async () => {
  const { url, startRole, run } = openDeploysWorld();
  const role = await startRole();
  const plan = await run("deploy", "web", "r1", "--plan", "--json", ...QUICK);
  const { hash, plan: planned } = PlanAnswer.parse(JSON.parse(plan.stdout));
  expect(planned).toMatchObject({ from: null, release: "r1", count: 2, stepsBp: [10_000] });
  const first = await run("deploy", "web", "r1", "--wait", "--plan-hash", hash, ...QUICK);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toMatch(/verifies the new tasks: All 2 new tasks are healthy\./);
  const shown = await run("deploys", idIn(first.stdout));
  expect(shown.stdout).toMatch(
    /node:lb1: configuration \d+: blue 0 % \(all 4 slots empty\), green 100 % \(2 of 4 slots in service, 2 empty\) — ok after \d+ ms/,
  );
  const changed = await run("deploy", "web", "r1", "--wait", "--plan-hash", hash, ...QUICK);
  expect([changed.code, changed.output]).toEqual([5, expect.stringContaining("has changed")]);

  const client = startClient(url);
  const started = await run("deploy", "web", "r2", ...QUICK, "--bake", "60");
  expect(started.code).toBe(0);
  await expect.poll(() => client.releases.at(-1)).toBe("r2");
  await role.end("SIGKILL");
  const away = await run("deploys");
  expect([away.code, away.output]).toEqual([
    7,
    expect.stringContaining("quarterdeck role deploys"),
  ]);
  await startRole();
  const back = await run("rollback", "web", "--wait", "--reason", "complaints");
  expect([back.code, back.output]).toEqual([3, expect.stringContaining("complaints")]);
  await expect.poll(() => client.releases.at(-1)).toBe("r1");
  const refused = await run("rollback", "web");
  expect([refused.code, refused.output]).toEqual([
    5,
    expect.stringContaining("there is nothing to take back"),
  ]);

  const second = await run("deploy", "web", "r2", "--wait", "--json", ...QUICK);
  expect(DeploySummary.parse(JSON.parse(second.stdout)).outcome).toBe("succeeded");
  const again = await run("rollback", "web", "--json");
  expect(again.output).toContain("it is deployed again");
  expect(DeploySummary.parse(JSON.parse(again.stdout))).toMatchObject({
    release: "r1",
    strategy: "all-at-once",
  });
  await client.stop();
  expect(client.failed).toEqual([]);
  expect(new Set(client.releases)).toEqual(new Set(["r1", "r2"]));
}, 180_000);

test("pipelines see by the exit status how a deploy ended, and people why", async () => {
  const { startRole, run } = openDeploysWorld();
  await startRole();
  const unknown = await run("deploy", "web", "r9");
  expect([unknown.code, unknown.output]).toEqual([
    5,
    expect.stringMatching(/There is no release r9 of web: .* There are broken, r1, r2/),
  ]);
  expect((await run("deploy", "web")).code).toBe(2);
  expect((await run("deploy", "web", "../r1")).code).toBe(2);
  expect((await run("pause", "web")).output).toContain("No deploy of web is under way");
  const broken = await run("deploy", "web", "broken", "--wait");
  expect([broken.code, broken.stdout]).toEqual([6, expect.stringContaining("exit code 9")]);
  const migration = await run("deploy", "web", "unmigratable", "--expand", "--wait");
  expect(migration.code).toBe(6);
  expect(migration.stdout).toMatch(
    /The expand migration failed: .*exit code 4.*Its last output: "no table invoices"/,
  );
  const refused = await run("deploy", "web", "r1", "--contract");
  expect([refused.code, refused.output]).toEqual([
    5,
    expect.stringContaining("web has no contract migration."),
  ]);
  const unlabelled = await run("deploy", "web", "unlabelled", "--wait");
  expect(unlabelled.code).toBe(6);
  expect(unlabelled.stdout).toContain("without the header x-release");
}, 180_000);

test("a deploy waits for a freeze, can be paused, held, resumed and aborted, and says what it accepts", async () => {
  const { startRole, run } = openDeploysWorld();
  await startRole();
  const freeze = await run("freeze", "add", "Weekend", "--until", "now+1h", "--json");
  const freezeId = /frz_[0-9a-f]{24}/.exec(freeze.stdout)?.[0] ?? "";
  const id = idIn((await run("deploy", "web", "r1", ...QUICK)).stdout);
  await expect
    .poll(async () => (await run("deploys", id)).stdout)
    .toContain("Deploys are frozen until");
  expect((await run("pause", id, "--reason", "lunch")).code).toBe(0);
  const shown = DeployDetail.parse(JSON.parse((await run("deploys", id, "--json")).stdout));
  expect(shown.deploy.paused).toMatchObject({ reason: "lunch" });
  expect(shown.commands.find(({ kind }) => kind === "pause")?.refusal).toContain("paused already");
  expect((await run("resume", id)).code).toBe(0);
  const outdated = await run("hold", id, "--version", String(shown.deploy.version));
  expect([outdated.code, outdated.output]).toEqual([
    5,
    expect.stringContaining("has changed since"),
  ]);
  expect((await run("hold", id)).code).toBe(0);
  expect((await run("deploys", id, "--watch")).code).toBe(4);
  expect((await run("freeze", "remove", freezeId)).code).toBe(0);
  expect((await run("freeze", "list")).stdout).toBe("There are no freezes.\n");
  const aborted = await run("abort", "web", "--wait");
  expect(aborted).toMatchObject({ code: 6 });
  expect((await run("deploys", "--service", "web")).stdout).toContain("was aborted");
}, 120_000);
