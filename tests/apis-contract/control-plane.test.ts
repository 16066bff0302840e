import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

import { ACT_CAPABILITIES, type GrantRule, type MemberRule } from "#access/route.ts";
import { DeployTokenList, NewDeployToken } from "#dashboards/deploys/token-messages.ts";
import type { Route } from "#platform/http/route.ts";

import { type RunningControlPlane, startControlPlaneApi } from "./control-plane.ts";
import { isAdmitted, nameOf, rulesText } from "./probe.ts";

const DAY_MS = 86_400_000;

let running: RunningControlPlane;
beforeAll(async () => {
  running = await startControlPlaneApi();
});
afterAll(() => running.stop());

function grantOf({ rule }: Route<MemberRule>): string {
  if (rule.allow === "act") return `${rule.act} workload:NAME`;
  return rule.allow === "grant" ? `${rule.capability} ${rule.target}` : rule.allow;
}

test("the rules of all routes match the reviewed list", async () => {
  await expect(rulesText(running.routes, grantOf)).toMatchFileSnapshot(
    "who-may-call/control-plane.txt",
  );
});

/** `may`: whether the role has the grant that a rule requires; undefined: it is not signed in. */
type Role = {
  name: string;
  token: string | undefined;
  may: ((needed: GrantRule) => boolean) | undefined;
};

async function rolesOf(): Promise<Role[]> {
  const nowMs = running.clock.now;
  const { member } = running;
  const board = { target: "board:home" } as const;
  const none = (): boolean => false;
  const isChart = ({ capability }: GrantRule): boolean => capability === "chart";
  const isView = ({ capability }: GrantRule): boolean => /^(?:chart|view)$/.test(capability);
  return [
    { name: "anonymous", token: undefined, may: undefined },
    { name: "an invalid session", token: "m".repeat(43), may: undefined },
    {
      name: "an ended session",
      token: await member([], { startedMs: nowMs - 2 * DAY_MS }),
      may: undefined,
    },
    { name: "a member without grants", token: await member([]), may: none },
    {
      name: "a member whose grant has expired",
      token: await member([{ capability: "own", target: "*", expiresMs: nowMs - 1 }]),
      may: none,
    },
    {
      name: "a member with a grant for another object",
      token: await member([{ capability: "own", target: "board:other" }]),
      may: none,
    },
    {
      name: "chart on the board",
      token: await member([{ ...board, capability: "chart" }]),
      may: (needed) => isChart(needed) && needed.target === board.target,
    },
    {
      name: "chart on everything",
      token: await member([{ capability: "chart", target: "*" }]),
      may: isChart,
    },
    {
      name: "view of the board",
      token: await member([{ ...board, capability: "view" }]),
      may: (needed) => isView(needed) && needed.target === board.target,
    },
    {
      name: "view of events",
      token: await member([{ capability: "view", target: "events:*" }]),
      may: (needed) => isView(needed) && needed.target.startsWith("events:"),
    },
    {
      name: "manage everything",
      token: await member([{ capability: "manage", target: "*" }]),
      may: ({ capability }) => capability !== "own",
    },
    {
      name: "view of one workload",
      token: await member([{ capability: "view", target: "workload:billing" }]),
      may: (needed) => isView(needed) && needed.target === "workload:billing",
    },
    {
      name: "own the workspace",
      token: await member([{ capability: "own", target: "workspace:current" }]),
      may: ({ target }) => target === "workspace:current",
    },
    { name: "an owner", token: running.root, may: () => true },
  ];
}

function mayCall({ may }: Role, { rule }: Route<MemberRule>): boolean {
  if (rule.allow === "anyone" || may === undefined) return rule.allow === "anyone";
  if (rule.allow === "member") return true;
  if (rule.allow === "grant") return may(rule);
  return may({
    allow: "grant",
    capability: ACT_CAPABILITIES[rule.act],
    target: "workload:billing",
  });
}

test("each route admits exactly the roles that its rule allows", async () => {
  const wrong: string[] = [];
  for (const role of await rolesOf()) {
    for (const route of running.routes) {
      const admitted = await isAdmitted(running, route, role.token);
      if (admitted !== mayCall(role, route)) {
        wrong.push(`${nameOf(route)} as ${role.name}: ${admitted ? "let in" : "refused"}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("pages of other sites cannot change anything with a member's session", async () => {
  const changing = running.routes.filter(({ method }) => method !== "GET");
  expect(changing.length).toBeGreaterThan(0);
  for (const { method, path } of changing) {
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "same-site" }]) {
      const { status } = await running.send(method, path, { as: running.root, headers });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
  }
});

test("a member who may manage sources makes and removes push tokens, and the audit log has both without the secret", async () => {
  const as = await running.member([{ capability: "manage", target: "source:*" }]);
  const body = { name: "filebeat", datasets: ["nginx.*"] };
  const made = await running.send("POST", "/api/push-tokens", { as, body });
  expect(made.status).toBe(201);
  const { token, secret } = z
    .object({ token: z.object({ id: z.string() }), secret: z.string().startsWith("qd_") })
    .parse(made.json);
  expect((await running.send("POST", "/api/push-tokens", { as, body })).status).toBe(409);
  const listed = await running.send("GET", "/api/push-tokens", { as });
  expect(listed.text).toContain(token.id);
  expect(listed.text).not.toContain(secret);
  const path = `/api/push-tokens/${token.id}`;
  expect((await running.send("DELETE", path, { as })).status).toBe(204);
  expect((await running.send("DELETE", path, { as })).status).toBe(404);
  const audit = await running.database.query("SELECT * FROM audit WHERE target = $1", [token.id]);
  expect(audit.map(({ action }) => action)).toEqual(["push-token.create", "push-token.remove"]);
  expect(JSON.stringify(audit)).not.toContain(secret);
});

test("a member who owns all workloads makes and revokes deploy tokens, sees their use, and the audit log has both without the secret", async () => {
  const as = await running.member([{ capability: "own", target: "workload:*" }]);
  const body = { name: "gitlab", workloads: ["billing"] };
  const path = "/api/deploy-tokens";
  const made = await running.send("POST", path, { as, body });
  expect(made.status).toBe(201);
  const { token, secret } = NewDeployToken.parse(made.json);
  expect(secret).toMatch(/^qdd_/);
  expect(token).toMatchObject({ workloads: ["billing"], lastUsedAtMs: null });
  expect((await running.send("POST", path, { as, body })).status).toBe(409);
  const wrong = await running.send("POST", path, { as, body: { name: "b", workloads: ["Shop"] } });
  expect([wrong.status, wrong.json]).toMatchObject([
    400,
    { errors: [{ path: "body.workloads.0" }] },
  ]);
  const narrow = await running.member([{ capability: "own", target: "workload:billing" }]);
  expect((await running.send("POST", path, { as: narrow, body })).status).toBe(403);

  // A token may deploy, but makes no other one.
  const withToken = { authorization: `Bearer ${secret}` };
  const used = await fetch(`${running.url}/api/deploys`, { headers: withToken });
  expect(used.status).toBe(200);
  expect((await fetch(`${running.url}${path}`, { headers: withToken })).status).toBe(401);
  const listed = await running.send("GET", path, { as });
  const { tokens, usesSinceMs } = DeployTokenList.parse(listed.json);
  const own = tokens.find(({ id }) => id === token.id);
  expect(own?.createdBy).toMatch(/@/);
  expect(own?.lastUsedAtMs).toBeGreaterThanOrEqual(usesSinceMs);
  expect(listed.text).not.toContain(secret);

  expect((await running.send("DELETE", `${path}/${token.id}`, { as })).status).toBe(204);
  expect((await running.send("DELETE", `${path}/${token.id}`, { as })).status).toBe(404);
  const refused = await fetch(`${running.url}/api/deploys`, { headers: withToken });
  expect(refused.status).toBe(401);
  const audit = await running.database.query("SELECT * FROM audit WHERE target = $1", [token.id]);
  expect(audit.map(({ action }) => action)).toEqual(["deploy-token.create", "deploy-token.remove"]);
  expect(JSON.stringify(audit)).not.toContain(secret);
});

test("a member who may manage sources tries, saves and removes a format, and the audit log has both", async () => {
  const as = await running.member([{ capability: "manage", target: "source:*" }]);
  const pattern = "%{WORD:order.state}";
  const body = { pattern, lines: "paid\n-\n" };
  const tried = await running.send("POST", "/api/formats/test", { as, body });
  expect(tried.json).toMatchObject({
    mistake: null,
    lines: [{ reason: null }, { reason: "the pattern of this format does not match" }],
    left: 0,
  });
  const path = "/api/formats/shop.orders";
  const save = (format: object) =>
    running.send("PUT", path, { as, body: { paths: [], ...format } });
  expect((await save({ pattern: "(?<x>a" })).status).toBe(400);
  expect((await save({ pattern })).status).toBe(200);
  const listed = await running.send("GET", "/api/formats", { as });
  expect(listed.json).toMatchObject({ formats: [{ name: "shop.orders", pattern, paths: [] }] });
  const reread = (from: string) => running.send("POST", `${path}/reread`, { as, body: { from } });
  expect((await reread("yesterday-ish")).status).toBe(400);
  expect((await reread("now-1h")).status).toBe(202);
  expect((await running.send("DELETE", path, { as })).status).toBe(204);
  expect((await running.send("DELETE", path, { as })).status).toBe(404);
  const audit = await running.database.query("SELECT * FROM audit WHERE target = $1", [
    "shop.orders",
  ]);
  expect(audit.map(({ action }) => action)).toEqual(["format.save", "format.remove"]);
  const viewer = await running.member([{ capability: "view", target: "*" }]);
  expect((await running.send("POST", "/api/formats/test", { as: viewer, body })).status).toBe(403);
});
