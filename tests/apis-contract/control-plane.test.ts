import { afterAll, beforeAll, expect, test } from "vitest";

import type { MemberRule } from "#access/route.ts";
import type { Route } from "#platform/http/route.ts";

import { type RunningControlPlane, startControlPlaneApi } from "./control-plane.ts";
import { isAdmitted, nameOf, rulesText } from "./probe.ts";

const DAY_MS = 86_400_000;

let running: RunningControlPlane;
beforeAll(async () => {
  running = await startControlPlaneApi();
});
afterAll(() => running.stop());

const grantOf = ({ rule }: Route<MemberRule>): string =>
  rule.allow === "grant" ? `${rule.capability} ${rule.target}` : rule.allow;

test("the rules of all routes are those of this list", async () => {
  await expect(rulesText(running.routes, grantOf)).toMatchFileSnapshot(
    "who-may-call/control-plane.txt",
  );
});

/** `may`: the rules that admit the role, as `grantOf` formats them. */
type Role = { name: string; token: string | undefined; may: readonly string[] };

async function rolesOf(): Promise<Role[]> {
  const nowMs = running.clock.now;
  const { member } = running;
  const [anyone, any] = [["anyone"], ["anyone", "member"]];
  const [chart, view] = ["chart board:home", "view events:all"];
  const board = { target: "board:home" } as const;
  const ended = { startedMs: nowMs - 2 * DAY_MS };
  return [
    { name: "anonymous", token: undefined, may: anyone },
    { name: "a made-up session", token: "m".repeat(43), may: anyone },
    { name: "a session that is over", token: await member([], ended), may: anyone },
    { name: "a member without grants", token: await member([]), may: any },
    {
      name: "a member whose grant has expired",
      token: await member([{ capability: "own", target: "*", expiresMs: nowMs - 1 }]),
      may: any,
    },
    {
      name: "a member with a grant for something else",
      token: await member([{ capability: "own", target: "board:other" }]),
      may: any,
    },
    {
      name: "chart on the board",
      token: await member([{ ...board, capability: "chart" }]),
      may: [...any, chart],
    },
    {
      name: "chart on everything",
      token: await member([{ capability: "chart", target: "*" }]),
      may: [...any, chart],
    },
    {
      name: "view of the board",
      token: await member([{ ...board, capability: "view" }]),
      may: [...any, chart],
    },
    {
      name: "view of events",
      token: await member([{ capability: "view", target: "events:*" }]),
      may: [...any, view],
    },
    {
      name: "manage everything",
      token: await member([{ capability: "manage", target: "*" }]),
      may: [...any, chart, view],
    },
    {
      name: "own the workspace",
      token: await member([{ capability: "own", target: "workspace:current" }]),
      may: [...any, "own workspace:current"],
    },
    {
      name: "an owner",
      token: running.root,
      may: [...any, chart, view, "own workspace:current"],
    },
  ];
}

test("every route × every role: only those whom the rule names are admitted", async () => {
  const wrong: string[] = [];
  for (const role of await rolesOf()) {
    for (const route of running.routes) {
      const admitted = await isAdmitted(running, route, role.token);
      if (admitted !== role.may.includes(grantOf(route))) {
        wrong.push(`${nameOf(route)} as ${role.name}: ${admitted ? "let in" : "refused"}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("no page of another site can change anything with a member's session", async () => {
  const changing = running.routes.filter(({ method }) => method !== "GET");
  expect(changing.length).toBeGreaterThan(0);
  for (const { method, path } of changing) {
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "same-site" }]) {
      const { status } = await running.send(method, path, { as: running.root, headers });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
  }
});
