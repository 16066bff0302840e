import { expect, test } from "vitest";

import { brokenAt } from "../journal/audit-chain.ts";
import type { Freeze } from "../machine/freezes.ts";
import { requestOf, testBilling, testDeployer } from "../simulation/testing-deployer.ts";
import { START_MS } from "../simulation/world.ts";

const ana = { actor: "ana", reason: "because" };

test("a dry run changes nothing, and its hash starts exactly that plan", async () => {
  const { deployer, state, journal, act } = await testDeployer(["billing"]);
  const { plan, hash } = deployer.plan(requestOf("billing", "r1"));
  expect(plan).toMatchObject({ from: null, release: "r1", newColour: "green" });
  expect(await journal.history({ before: Infinity, limit: 9 })).toEqual([]);
  const deploy = await act(deployer.request(requestOf("billing", "r1", { planHash: hash })));
  expect(deploy).toMatchObject({ planHash: hash, planConfirmed: true, state: "queued" });
  await state(deploy.id, "succeeded");
  await expect(
    act(deployer.request(requestOf("billing", "r1", { planHash: hash }))),
  ).rejects.toMatchObject({ code: "precondition_failed" });
});

test("a deploy that was confirmed behind another one starts as confirmed when that succeeds", async () => {
  const { deployer, release, request, state, now } = await testBilling();
  await release("r1");
  const second = await request("r2");
  await state(second, "provisioning");
  const { plan, hash } = deployer.plan(requestOf("billing", "r3"));
  expect(plan).toMatchObject({ from: "r2", newColour: "green" });
  const third = await request("r3", { planHash: hash });
  const fourth = deployer.plan(requestOf("billing", "r4"));
  expect(fourth.plan).toMatchObject({ from: "r3", newColour: "blue" });
  await state(third, "succeeded");
  const { history, planHash } = await now(third);
  expect(history.map((it) => it.state)).not.toContain("held");
  expect(planHash).toBe(hash);
});

test("a deploy that was confirmed behind one that does not succeed waits for a person", async () => {
  const { deployer, release, request, command, state } = await testBilling();
  await release("r1");
  const second = await request("r2");
  await state(second, "provisioning");
  const third = await request("r3", {
    planHash: deployer.plan(requestOf("billing", "r3")).hash,
  });
  await command(second, "abort");
  expect((await state(third, "held")).reason).toMatch(
    /^It was to replace r2, but r1 serves\. .* resume deploys r3 all the same, abort ends the deploy\.$/,
  );
  await command(third, "resume");
  await state(third, "succeeded");
});

test("a request that is sent again is one deploy", async () => {
  const { deployer, act } = await testDeployer(["billing"]);
  const first = await act(deployer.request(requestOf("billing", "r1", { key: "k" })));
  const second = await act(deployer.request(requestOf("billing", "r1", { key: "k" })));
  expect(second.id).toBe(first.id);
  expect(deployer.status("billing").queue).toHaveLength(1);
});

test("an invalid request names its fields, and an unknown workload the known ones", async () => {
  const { deployer, act } = await testDeployer(["billing"]);
  await expect(act(deployer.request(requestOf("billing", "", { count: 0 })))).rejects.toMatchObject(
    {
      code: "unprocessable",
      fields: [{ path: "release" }, { path: "count" }],
    },
  );
  await expect(act(deployer.request(requestOf("blling", "r1")))).rejects.toThrow(
    "There is no workload blling. The workloads are billing.",
  );
});

test("deploys of a workload run one after the other, in the order of their requests", async () => {
  const { deployer, state, journal, act } = await testDeployer(["billing"]);
  const ids: string[] = [];
  for (const release of ["r1", "r2", "r3"]) {
    ids.push((await act(deployer.request(requestOf("billing", release)))).id);
  }
  await state(ids[2] ?? "", "succeeded");
  const deploys = await journal.history({ before: Infinity, limit: 9 });
  const times = deploys.toReversed().map(({ times: it }) => [it.startedMs ?? 0, it.doneMs ?? 0]);
  expect(deploys.map(({ plan }) => plan.from)).toEqual(["r2", "r1", null]);
  expect(times.flat()).toEqual(times.flat().toSorted((a, b) => a - b));
});

test("what people do is in the audit log, with reason and permission", async () => {
  const { deployer, state, journal, act } = await testDeployer(["billing"]);
  const { id } = await act(deployer.request(requestOf("billing", "r1")));
  await state(id, "provisioning");
  await act(deployer.command(id, { kind: "hold", ...ana }));
  await expect(act(deployer.command(id, { kind: "hold", ...ana }))).rejects.toMatchObject({
    code: "conflict",
  });
  await act(deployer.command(id, { kind: "resume", ...ana, reason: "checked" }));
  await state(id, "succeeded");
  await expect(act(deployer.command(id, { kind: "hold", ...ana }))).rejects.toMatchObject({
    code: "not_found",
  });
  const entries = await journal.audit({ after: 0, limit: 9 });
  expect(entries.map(({ action, reason }) => [action, reason])).toEqual([
    ["deploy.start", "a release"],
    ["deploy.hold", "because"],
    ["deploy.resume", "checked"],
  ]);
  expect(entries[1]).toMatchObject({ before: { state: "provisioning" }, after: { state: "held" } });
  expect(brokenAt(entries)).toBeUndefined();
  const changed = entries.map((it) => (it.seq === 2 ? { ...it, reason: "other" } : it));
  expect(brokenAt(changed)).toBe(2);
});

test("each effect of a deploy is recorded with its result", async () => {
  const { deployer, state, journal, act } = await testDeployer(["billing"]);
  const { id } = await act(deployer.request(requestOf("billing", "r1")));
  await state(id, "succeeded");
  const effects = await journal.effects(id);
  const kinds = effects.map(({ effect }) => effect.kind);
  expect(new Set(kinds)).toEqual(new Set(["fleet.ensure", "edge.apply", "one-off.run"]));
  const open = effects.filter(({ result }) => result === undefined);
  // The result of the last one is written with the next change.
  expect(open.length).toBeLessThanOrEqual(1);
});

test("the contract migration runs when the old tasks are gone and its time has come", async () => {
  const { deployer, state, journal, act } = await testDeployer(["billing"]);
  const contractAfterMs = 7_000;
  const usual = requestOf("billing", "r1");
  const { id } = await act(
    deployer.request({
      ...usual,
      migrations: { expand: false, contract: true },
      strategy: { ...usual.strategy, contractAfterMs },
    }),
  );
  const { history } = await state(id, "succeeded");
  const effects = await journal.effects(id);
  const run = effects.find(
    ({ effect }) => effect.kind === "one-off.run" && effect.work.kind === "contract",
  );
  const enteredMs = history.find((it) => it.state === "contracting")?.atMs ?? Infinity;
  expect(run?.atMs).toBeGreaterThanOrEqual(enteredMs + contractAfterMs);
});

test("no deploy starts in a freeze, unless a person forces it", async () => {
  const { deployer, state, act } = await testDeployer(["billing"]);
  const freeze: Freeze = {
    id: "freeze_1",
    version: 0,
    name: "Sale",
    workloads: [],
    period: { kind: "once", fromMs: 0, untilMs: START_MS + 60_000 },
  };
  await act(deployer.freeze(freeze, ana));
  const first = await act(deployer.request(requestOf("billing", "r1")));
  await state(first.id, "waiting");
  expect(deployer.status("billing")).toMatchObject({
    active: { id: first.id },
    waitsFor: expect.stringMatching(/^Deploys are frozen until .*: Sale$/),
  });
  await act(deployer.command(first.id, { kind: "force", ...ana }));
  const { times } = await state(first.id, "succeeded");
  expect(times.startedMs).toBeLessThan(START_MS + 60_000);
  const second = await act(deployer.request(requestOf("billing", "r2")));
  const later = await state(second.id, "succeeded");
  expect(later.times.startedMs).toBeGreaterThanOrEqual(START_MS + 60_000);
  await act(deployer.thaw("freeze_1", ana));
  await expect(act(deployer.thaw("freeze_1", ana))).rejects.toMatchObject({ code: "not_found" });
});

test("a freeze that never begins again cannot be added, with its fields", async () => {
  const { deployer, act } = await testDeployer(["billing"]);
  const period = { kind: "recurring", start: "1970-01-01T00:05:00", end: "0 7 * * 1" } as const;
  const freeze: Freeze = {
    id: "freeze_1",
    version: 0,
    name: "Christmas",
    workloads: [],
    period: { ...period, timezone: "UTC" },
  };
  await expect(act(deployer.freeze(freeze, ana))).rejects.toMatchObject({
    code: "unprocessable",
    fields: [{ path: "period.start", message: expect.stringContaining("in the future") }],
  });
  expect(deployer.freezes).toEqual([]);
});

test("why the controller cannot go on is shown until it can", async () => {
  const { deployer, state, journal, after, act } = await testDeployer(["billing"]);
  const { id } = await act(deployer.request(requestOf("billing", "r1")));
  const { commit } = journal;
  journal.commit = () => Promise.reject(new Error("the disk is full"));
  await after(1_000);
  expect(deployer.status("billing").waitsFor).toMatch(/tries again: the disk is full$/);
  journal.commit = commit;
  await state(id, "succeeded");
  expect(deployer.status("billing").waitsFor).toBeUndefined();
});

test("a train releases its workloads in the order of their dependencies", async () => {
  const workloads = ["accounts", "billing", "reporting"];
  const { deployer, state, journal, act } = await testDeployer(workloads);
  const [billing, accounts, reporting] = await act(
    deployer.requestTrain("November", [
      requestOf("billing", "r1", { after: ["accounts"] }),
      requestOf("accounts", "r1"),
      requestOf("reporting", "r1", { after: ["billing", "accounts"] }),
    ]),
  );
  const last = await state(reporting?.id ?? "", "succeeded");
  const before = await journal.deploy(billing?.id ?? "");
  const first = await journal.deploy(accounts?.id ?? "");
  expect(first?.times.doneMs).toBeLessThanOrEqual(before?.times.startedMs ?? 0);
  expect(before?.times.doneMs).toBeLessThanOrEqual(last.times.startedMs ?? 0);
  expect((await act(journal.load())).trains).toEqual([]);
});

test("what depends on a deploy that does not succeed is cancelled, with the reason", async () => {
  const workloads = ["accounts", "billing"];
  const scenario = { quality: "fails-verification" as const };
  const { deployer, state, act } = await testDeployer(workloads, scenario);
  const [accounts, billing] = await act(
    deployer.requestTrain("November", [
      requestOf("accounts", "r1"),
      requestOf("billing", "r1", { after: ["accounts"] }),
    ]),
  );
  await state(accounts?.id ?? "", "failed");
  expect(await state(billing?.id ?? "", "aborted")).toMatchObject({
    reason: "accounts, which comes before it in the train November, did not succeed.",
    times: { startedMs: null },
  });
});

test("a train with a circle is refused as a whole", async () => {
  const workloads = ["accounts", "billing"];
  const { deployer, act } = await testDeployer(workloads);
  await expect(
    act(
      deployer.requestTrain("November", [
        requestOf("accounts", "r1", { after: ["billing"] }),
        requestOf("billing", "r1", { after: ["accounts"] }),
      ]),
    ),
  ).rejects.toMatchObject({ code: "unprocessable", fields: [{ path: "cars.0.after" }, {}] });
  expect(deployer.status("accounts").queue).toEqual([]);
});
