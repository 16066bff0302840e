import { expect, test } from "vitest";

import { newWorkload } from "../machine/workload.ts";
import { brokenAt } from "./audit-chain.ts";
import { DEPLOYS_WITH_EFFECTS_MAX, REPAIRS_MAX } from "./journal-state.ts";
import type { Journal } from "./port.ts";
import { testAudit, testDeploy, testIntent } from "./testing-records.ts";

/** A journal that no test has used, which can be opened again and again. */
export type TestJournal = {
  open(): Promise<Journal | undefined>;
  /** Takes the lease away from the writer, as if it had been suspended for too long. */
  usurp(writer: Journal): Promise<void>;
};

/** Contract of every journal. */
export function testJournal(create: () => Promise<TestJournal>): void {
  async function opened(journal: TestJournal): Promise<Journal> {
    const writer = await journal.open();
    if (writer === undefined) throw new Error("another writer is still there");
    return writer;
  }
  const workload = { ...newWorkload("billing", 4), version: 1 };

  test("has one writer at a time, each with a higher fence", async () => {
    const journal = await create();
    const first = await opened(journal);
    expect(await journal.open()).toBeUndefined();
    await first[Symbol.asyncDispose]();
    await expect(first.commit({ workloads: [workload] })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    await using second = await opened(journal);
    expect(second.fence).toBeGreaterThan(first.fence);
    expect(await second.load()).toEqual({ workloads: [], deploys: [], trains: [], freezes: [] });
  });

  test("the next writer reads what was committed, as it was written", async () => {
    const journal = await create();
    const first = await opened(journal);
    const deploy = testDeploy("dep_1", "provisioning", { requestKey: "key" });
    const freeze = {
      id: "freeze_1",
      version: 1,
      name: "Christmas",
      workloads: ["billing"],
      period: { kind: "once" as const, fromMs: 1, untilMs: 2 },
    };
    const [start, end] = ["2020-12-24T16:00:00", "2021-01-07T07:00:00"];
    const period = { kind: "recurring" as const, start, end, timezone: "Europe/Madrid" };
    const past = { ...freeze, id: "freeze_2", period };
    await first.commit({
      workloads: [workload],
      deploys: [deploy],
      freezes: [freeze, past],
      intents: [testIntent("1.1", "dep_1"), testIntent("1.2", "dep_1"), testIntent("1.3", null)],
      audit: [testAudit("dep_1"), testAudit("dep_1")],
    });
    const result = { status: "ok" as const, reply: "done", atMs: 9 };
    const created = { ...testAudit("dep_1"), before: undefined };
    await first.commit({ results: [{ id: "1.2", ...result }], audit: [created] });
    await first[Symbol.asyncDispose]();

    await using second = await opened(journal);
    expect(await second.load()).toEqual({
      workloads: [workload],
      deploys: [deploy],
      trains: [],
      freezes: [freeze, past],
    });
    expect(await second.deploy("dep_1")).toEqual(deploy);
    expect(await second.deploy("dep_2")).toBeUndefined();
    expect(await second.requested("key")).toEqual(deploy);
    expect(await second.requested("other")).toBeUndefined();
    expect(await second.effects("dep_1")).toEqual([
      { ...testIntent("1.1", "dep_1"), result: undefined },
      { ...testIntent("1.2", "dep_1"), result },
    ]);
    const audit = await second.audit({ after: 0, limit: 9 });
    expect(audit.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(brokenAt(audit)).toBeUndefined();
    expect(await second.audit({ after: 1, limit: 1 })).toEqual([audit[1]]);
    await second.commit({ thawed: ["freeze_1"] });
    expect((await second.load()).freezes).toEqual([past]);
  });

  test("a change with a version that does not fit changes nothing", async () => {
    await using journal = await opened(await create());
    await journal.commit({ workloads: [workload] });
    const stale = { workloads: [workload] };
    for (const change of [stale, { workloads: [{ ...workload, version: 3 }] }]) {
      const both = { deploys: [testDeploy("dep_1", "queued")], ...change };
      await expect(journal.commit(both)).rejects.toMatchObject({ code: "conflict" });
    }
    expect(await journal.load()).toMatchObject({ workloads: [{ version: 1 }], deploys: [] });
  });

  test("of concurrent changes to one version, exactly one is committed", async () => {
    await using journal = await opened(await create());
    const outcomes = await Promise.allSettled(
      ["a", "b", "c"].map((release) =>
        journal.commit({ workloads: [{ ...workload, releases: { blue: release, green: null } }] }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("concurrent changes of different records are committed, with one chain of the audit log", async () => {
    await using journal = await opened(await create());
    const targets = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(
      targets.map((it) => journal.commit({ audit: [testAudit(it), testAudit(it)] })),
    );
    const audit = await journal.audit({ after: 0, limit: 99 });
    expect(audit.map(({ seq }) => seq)).toEqual(audit.map((_it, index) => index + 1));
    expect(audit.map(({ target }) => target).toSorted()).toEqual(targets.flatMap((it) => [it, it]));
    expect(brokenAt(audit)).toBeUndefined();
  });

  test("a workload has one active deploy", async () => {
    await using journal = await opened(await create());
    const first = testDeploy("dep_1", "shifting");
    const second = testDeploy("dep_2", "preflight");
    await journal.commit({ deploys: [first, testDeploy("dep_3", "queued")] });
    await expect(journal.commit({ deploys: [second] })).rejects.toMatchObject({ code: "conflict" });
    await journal.commit({ deploys: [testDeploy("dep_4", "held", { workload: "accounts" })] });
    // The end of one and the start of the next in one change.
    await journal.commit({ deploys: [second, testDeploy("dep_1", "failed", { version: 2 })] });
    const { deploys } = await journal.load();
    expect(deploys.map(({ id }) => id).toSorted()).toEqual(["dep_2", "dep_3", "dep_4"]);
  });

  test("an Idempotency-Key belongs to one deploy", async () => {
    await using journal = await opened(await create());
    await journal.commit({ deploys: [testDeploy("dep_1", "queued", { requestKey: "key" })] });
    const again = { deploys: [testDeploy("dep_2", "queued", { requestKey: "key" })] };
    await expect(journal.commit(again)).rejects.toMatchObject({ code: "conflict" });
  });

  test("a writer that was replaced without noticing writes nothing", async () => {
    const journal = await create();
    const first = await opened(journal);
    await first.commit({ workloads: [workload] });
    await journal.usurp(first);
    await using second = await opened(journal);
    expect(second.fence).toBeGreaterThan(first.fence);
    await expect(
      first.commit({ workloads: [{ ...workload, version: 2, live: "green" }] }),
    ).rejects.toMatchObject({ code: "precondition_failed" });
    expect(first.lost.aborted).toBe(true);
    expect(await second.load()).toMatchObject({ workloads: [{ version: 1, live: "blue" }] });
    await second.commit({ workloads: [{ ...workload, version: 2 }] });
  });

  test("the history has all deploys, the newest first, in pages", async () => {
    await using journal = await opened(await create());
    const deploys = [1, 2, 3, 4].map((place) =>
      testDeploy(`dep_${place}`, "succeeded", {
        place,
        workload: place === 3 ? "accounts" : "billing",
      }),
    );
    await journal.commit({ deploys });
    const ids = async (page: Parameters<Journal["history"]>[0]): Promise<string[]> =>
      (await journal.history(page)).map(({ id }) => id);
    expect(await ids({ before: 9, limit: 2 })).toEqual(["dep_4", "dep_3"]);
    expect(await ids({ before: 3, limit: 9 })).toEqual(["dep_2", "dep_1"]);
    expect(await ids({ workload: "billing", before: 9, limit: 2 })).toEqual(["dep_4", "dep_2"]);
  });

  test("effects of old deploys and repairs are forgotten, those of deploys that are under way are not", async () => {
    await using writer = await opened(await create());
    const add = async (id: string, state: "succeeded" | "held", place: number): Promise<void> =>
      writer.commit({
        deploys: [testDeploy(id, state, { place })],
        intents: [testIntent(`of ${id}`, id), testIntent(`before ${id}`, null)],
      });
    await add("dep_held", "held", 0);
    const last = DEPLOYS_WITH_EFFECTS_MAX + 5;
    for (let at = 1; at <= last; at += 1) await add(`dep_${at}`, "succeeded", at);
    const counts = async (id: string): Promise<number> => (await writer.effects(id)).length;
    expect(await counts("dep_1")).toBe(0);
    expect(await counts("dep_held")).toBe(1);
    expect(await counts(`dep_${last}`)).toBe(1);
    expect(await writer.deploy("dep_1")).toMatchObject({ state: "succeeded" });
    const repairs = await writer.effects("billing");
    expect(repairs).toHaveLength(REPAIRS_MAX);
    expect(repairs.at(-1)?.id).toBe(`before dep_${last}`);
  });

  test("an unfinished train is loaded with all its deploys", async () => {
    await using journal = await opened(await create());
    const car = (deploy: string, workload_: string) => ({ workload: workload_, deploy, after: [] });
    const train = (id: string, cars: ReturnType<typeof car>[]) => ({
      id,
      version: 1,
      name: id,
      createdBy: "ana",
      createdAtMs: 1,
      cars,
    });
    await journal.commit({
      trains: [
        train("going", [car("dep_1", "billing"), car("dep_2", "accounts")]),
        train("over", [car("dep_3", "billing")]),
      ],
      deploys: [
        testDeploy("dep_1", "succeeded", { train: "going" }),
        testDeploy("dep_2", "queued", { train: "going", workload: "accounts" }),
        testDeploy("dep_3", "succeeded", { train: "over" }),
      ],
    });
    const { trains, deploys } = await journal.load();
    expect(trains.map(({ id }) => id)).toEqual(["going"]);
    expect(deploys.map(({ id }) => id).toSorted()).toEqual(["dep_1", "dep_2"]);
  });
}
