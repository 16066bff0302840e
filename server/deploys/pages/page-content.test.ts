import { afterAll, beforeAll, expect, test } from "vitest";

import type { MemberCaller } from "#access/route.ts";
import type { Pages } from "#dashboards/deploys/live-messages.ts";
import { FreezeRequest, StartRequest } from "#dashboards/deploys/requests.ts";

import { temporaryFolder } from "../../../tests/harness/program.ts";
import { testDeploys } from "../testing-deploys.ts";
import { contentOf } from "./page-content.ts";

const resources = new AsyncDisposableStack();
let deploys: Awaited<ReturnType<typeof testDeploys>>;
let billing: string;
const by = { actor: "ana", reason: "a test" };

beforeAll(async () => {
  const folder = resources.use(await temporaryFolder());
  deploys = await testDeploys(folder.path);
  resources.defer(() => deploys.stop());
  const start = async (workload: string): Promise<string> => {
    const request = StartRequest.parse({ workload, release: "r2", reason: "a test" });
    return (await deploys.ask("start", { ...request, ...by })).id;
  };
  billing = await start("billing");
  await start("accounts");
  await start("accounts");
  for (const workloads of [[], ["accounts"], ["accounts", "billing"]]) {
    const period = { kind: "once", fromMs: 1, untilMs: 2 };
    const request = { name: `of ${workloads.join()}`, workloads, period, reason: "a test" };
    await deploys.ask("freeze", { ...FreezeRequest.parse(request), ...by });
  }
});
afterAll(() => resources.disposeAsync());

/** A member who may see Billing only. */
const VIEWER: MemberCaller = {
  kind: "member",
  id: "mem_1",
  address: "127.0.0.1",
  signedIn: {
    member: { id: "mem_1", email: "ben@example.com", name: "Ben", role: "member" },
    grants: [
      { memberId: "mem_1", capability: "view", target: "workload:billing", expiresMs: null },
    ],
  },
};

async function listFor(limit: number, workload: string | null): Promise<Pages["deploys"]> {
  const view = { page: "deploys", limit, workload } as const;
  const content = await contentOf(view, { caller: VIEWER, nowMs: 3 }, deploys);
  if (!("freezes" in content)) throw new Error("it is another page");
  return content;
}

test("a list is cut after it was narrowed to what its viewer may see", async () => {
  const { deploys: shown, next } = await listFor(1, null);
  expect(shown.map(({ id }) => id)).toEqual([billing]);
  expect(next).not.toBeNull();
});

test("of a workload that is unknown or may not be seen the list is empty, and the page remains", async () => {
  for (const workload of ["gone", "accounts"]) {
    const { deploys: shown, workloads } = await listFor(20, workload);
    expect(shown).toEqual([]);
    expect(workloads.map(({ name }) => name)).toEqual(["billing"]);
  }
});

test("freezes name no workload that their viewer may not see", async () => {
  const { freezes } = await listFor(20, null);
  expect(freezes.map(({ name, workloads, mayRemove }) => [name, workloads, mayRemove])).toEqual([
    ["of", [], false],
    ["of accounts,billing", ["billing"], false],
  ]);
});
