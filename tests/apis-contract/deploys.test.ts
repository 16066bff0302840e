import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, expect, test } from "vitest";

import { type DeployAct, deployTokens } from "#access/deploy-token.ts";
import {
  AuditList,
  DeployDetail,
  DeployList,
  DeploySummary,
  FreezeList,
  PlanAnswer,
} from "#dashboards/deploys/messages.ts";
import { httpClient } from "#server/cli/deploys/http-deploys.ts";

import { type RunningControlPlane, startControlPlaneApi } from "./control-plane.ts";

let running: RunningControlPlane;
beforeAll(async () => {
  running = await startControlPlaneApi();
});
afterAll(() => running.stop());

async function tokenFor(workloads: string[], acts: DeployAct[]): Promise<string> {
  const request = { name: randomUUID(), workloads, acts, createdBy: null };
  return (await deployTokens.add(running.dataFolder, request, 1)).secret;
}

type Request = { method?: string; path: string; body?: unknown; headers?: object };

async function send(token: string, { method, path, body, headers }: Request) {
  const response = await fetch(`${running.url}${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, json, headers: response.headers };
}

type Start = { key?: string } & Readonly<Record<string, unknown>>;

const start = (token: string, workload: string, { key = randomUUID(), ...more }: Start = {}) =>
  send(token, {
    path: "/api/deploys",
    body: { workload, release: "r2", reason: "a test", ...more },
    headers: { "idempotency-key": key },
  });

test("a token deploys its workloads with its acts, and is told what it may not", async () => {
  const token = await tokenFor(["billing"], ["start", "abort"]);
  const deploy = await start(token, "billing");
  expect(deploy.status).toBe(202);
  const { id, createdBy } = DeploySummary.parse(deploy.json);
  expect(createdBy).toMatch(/^token /);
  const other = await start(token, "accounts");
  expect([other.status, other.json]).toEqual([
    403,
    expect.objectContaining({ detail: expect.stringMatching(/is for billing only\.$/) }),
  ]);
  const path = `/api/deploys/${id}/commands`;
  const held = await send(token, { path, body: { kind: "hold", reason: "a test" } });
  expect([held.status, held.json]).toEqual([
    403,
    expect.objectContaining({ detail: expect.stringMatching(/may not hold: it may start, abort/) }),
  ]);
  const aborted = await send(token, { path, body: { kind: "abort", reason: "a test" } });
  expect(aborted.status).toBe(200);
  const stranger = await tokenFor(["reporting"], ["see"]);
  expect((await send(stranger, { path: `/api/deploys/${id}` })).status).toBe(403);
  const list = DeployList.parse((await send(stranger, { path: "/api/deploys" })).json);
  expect(list.deploys).toEqual([]);
  expect((await send(stranger, { path: "/api/deploy-audit" })).status).toBe(403);
  expect((await send(stranger, { path: "/api/board" })).status).toBe(401);
  expect((await send("qdd_invented", { path: "/api/deploys" })).status).toBe(401);
});

test("a removed token is refused at once", async () => {
  const secret = await tokenFor(["billing"], ["see"]);
  const [token] = deployTokens.list(running.dataFolder).slice(-1);
  expect((await send(secret, { path: "/api/deploys" })).status).toBe(200);
  await deployTokens.remove(running.dataFolder, token?.id ?? "");
  expect((await send(secret, { path: "/api/deploys" })).status).toBe(401);
});

test("a start needs a key, repeats with it, and refuses it for something else", async () => {
  const token = await tokenFor(["*"], ["start"]);
  const body = { workload: "management", release: "r2", reason: "a test" };
  expect((await send(token, { path: "/api/deploys", body })).status).toBe(400);
  const key = randomUUID();
  const [one, two] = await Promise.all([
    start(token, "management", { key }),
    start(token, "management", { key }),
  ]);
  const three = await start(token, "management", { key });
  expect(DeploySummary.parse(three.json).id).toBe(DeploySummary.parse(one.json).id);
  expect(two.status).toBe(202);
  const otherwise = await start(token, "management", { key, release: "r3" });
  expect(otherwise.status).toBe(422);
  // The same key of another caller is another request.
  const other = await start(await tokenFor(["*"], ["start"]), "management", { key });
  expect(DeploySummary.parse(other.json).id).not.toBe(DeploySummary.parse(one.json).id);
});

test("invalid requests name their fields, and a changed plan is refused", async () => {
  const token = await tokenFor(["*"], ["start"]);
  const fieldsOf = async (more: Start): Promise<unknown> =>
    (await start(token, "logging", more)).json;
  expect(await fieldsOf({ release: "../x" })).toMatchObject({ errors: [{ path: "body.release" }] });
  expect(await fieldsOf({ strategy: { kind: "big-bang" } })).toMatchObject({
    errors: [{ path: "body.strategy.kind" }],
  });
  expect(await fieldsOf({ strategy: { stepsBp: [500, 100] } })).toMatchObject({
    status: 422,
    errors: [{ path: "strategy.stepsBp" }],
  });
  expect(await fieldsOf({ migrations: { expand: true } })).toMatchObject({
    errors: [{ path: "migrations.expand" }],
  });
  expect(await fieldsOf({ count: 500 })).toMatchObject({ errors: [{ path: "count" }] });
  expect((await start(token, "nothing")).status).toBe(404);
  const plan = await send(token, {
    path: "/api/deploys/plan",
    body: { workload: "logging", release: "r2" },
  });
  const { hash } = PlanAnswer.parse(plan.json);
  expect((await start(token, "logging", { planHash: "another" })).status).toBe(412);
  expect((await start(token, "logging", { planHash: hash })).status).toBe(202);
});

test("a command with an outdated version is refused, and a reader waits for the next change", async () => {
  const token = await tokenFor(["reporting"], ["start", "pause", "resume", "abort"]);
  const { id, version } = DeploySummary.parse((await start(token, "reporting")).json);
  const path = `/api/deploys/${id}`;
  const command = (kind: string, headers: object = {}) =>
    send(token, { path: `${path}/commands`, body: { kind, reason: "a test" }, headers });
  await expect
    .poll(async () => (await send(token, { path })).headers.get("etag"))
    .not.toBe(`"${version}"`);
  const outdated = await command("pause", { "if-match": `"${version}"` });
  expect([outdated.status, outdated.json]).toEqual([
    412,
    expect.objectContaining({ detail: expect.stringContaining("has changed since you read it") }),
  ]);
  const seen = DeployDetail.parse((await send(token, { path })).json).deploy.version;
  const waiting = send(token, { path: `${path}?after=${seen}&waitMs=20000` });
  expect((await command("pause")).status).toBe(200);
  const { deploy } = DeployDetail.parse((await waiting).json);
  expect(deploy.paused).toMatchObject({ reason: "a test" });
  const client = httpClient(running.url, token);
  await expect(
    client.ask("command", { id, kind: "pause", reason: "again", actor: "" }),
  ).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("paused already") });
});

test("freezes and trains are made, listed and ended, and the audit log has who did what", async () => {
  const token = await tokenFor(["*"], ["start", "freeze"]);
  const period = { kind: "once", fromMs: Date.now() - 1_000, untilMs: Date.now() + 3_600_000 };
  const body = { name: "Weekend", workloads: ["accounts"], period, reason: "nobody is there" };
  const made = await send(token, { path: "/api/freezes", body });
  expect(made).toMatchObject({ status: 201, json: { frozenUntilMs: period.untilMs } });
  const cron = { kind: "recurring", start: "bad", end: "0 7 * * 1", timezone: "Europe/Madrid" };
  const bad = await send(token, { path: "/api/freezes", body: { ...body, period: cron } });
  expect(bad).toMatchObject({ status: 422, json: { errors: [{ path: "period.start" }] } });
  const plan = await send(token, {
    path: "/api/deploys/plan",
    body: { workload: "accounts", release: "r2" },
  });
  expect(PlanAnswer.parse(plan.json).waits[0]).toContain("Weekend");
  const listed = await send(token, { path: "/api/freezes" });
  const [freeze] = FreezeList.parse(listed.json).freezes;
  const path = `/api/freezes/${freeze?.id}`;
  expect((await send(token, { method: "DELETE", path })).status).toBe(400);
  expect((await send(token, { method: "DELETE", path: `${path}?reason=over` })).status).toBe(204);
  const train = await send(token, {
    path: "/api/trains",
    headers: { "idempotency-key": randomUUID() },
    body: {
      name: "July",
      reason: "the July release",
      cars: [
        { workload: "accounts", release: "r7" },
        { workload: "billing", release: "r7", after: ["accounts"] },
      ],
    },
  });
  expect(train).toMatchObject({
    status: 202,
    json: { cars: [{ workload: "accounts" }, { after: ["accounts"] }] },
  });
  const trains = await send(token, { path: "/api/trains" });
  expect(trains.json).toMatchObject({ trains: [{ name: "July" }] });
  const shared = { ...body, name: "Both", workloads: ["accounts", "billing"], reason: "both" };
  expect((await send(token, { path: "/api/freezes", body: shared })).status).toBe(201);
  const alone = await tokenFor(["accounts"], ["see"]);
  expect((await send(alone, { path: "/api/trains" })).json).toEqual({ trains: [] });
  expect((await send(alone, { path: "/api/freezes" })).json).toMatchObject({
    freezes: [{ name: "Both", workloads: ["accounts"] }],
  });
  const newest = await send(alone, { path: "/api/deploys?limit=1" });
  expect(DeployList.parse(newest.json).deploys).toMatchObject([{ workload: "accounts" }]);
  const log = AuditList.parse((await send(token, { path: "/api/deploy-audit?limit=500" })).json);
  const actions = log.entries.filter(({ reason }) => /nobody|over|July/.test(reason));
  expect(actions.map(({ action }) => action)).toEqual([
    "deploy.freeze",
    "deploy.freeze",
    "deploy.start",
    "deploy.start",
  ]);
});

test("the edge is configured and its caches are emptied only with acts for all workloads, and the local edge has neither", async () => {
  const template = { path: "/api/edge/template" };
  const ban = { path: "/api/edge/bans", body: { kind: "tag", tag: "a", reason: "a test" } };
  const pipeline = await tokenFor(["*"], ["start"]);
  for (const request of [template, ban]) {
    expect(await send(pipeline, request)).toMatchObject({
      status: 403,
      json: { detail: expect.stringMatching(/may not (?:configure-edge|ban)/) },
    });
  }
  const billing = await tokenFor(["billing"], ["configure-edge", "ban"]);
  expect(await send(billing, template)).toMatchObject({
    status: 403,
    json: { detail: expect.stringContaining("is for billing only") },
  });
  const owner = await tokenFor(["*"], ["configure-edge", "ban"]);
  for (const request of [
    template,
    ban,
    { path: "/api/edge/template/check", body: { text: "global" } },
    { path: "/api/edge/template/versions", body: { text: "global", reason: "a test" } },
    { path: "/api/edge/template/roll-back", body: { version: 0, reason: "a test" } },
  ]) {
    expect(await send(owner, request), request.path).toMatchObject({
      status: 404,
      json: { detail: expect.stringContaining("QUARTERDECK_EDGE=haproxy") },
    });
  }
  expect((await send(owner, { path: "/api/edge" })).json).toMatchObject({
    configuration: null,
    cache: null,
  });
  const noReason = { path: "/api/edge/template/roll-back", body: { version: 0, reason: " " } };
  expect(await send(owner, noReason)).toMatchObject({
    json: { errors: [{ path: "body.reason" }] },
  });
});
