import * as fc from "fast-check";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { TestService } from "#api/kit/testing.ts";
import type { Route } from "#platform/http/route.ts";
import type { OpenApi } from "#platform/openapi/openapi.ts";

import { type Pool, documentOf, fuzzApi, harvest, requestTo, sendFuzzed } from "./fuzz.ts";
import { isAdmitted, nameOf, rulesText } from "./probe.ts";
import { SUBJECTS, type Subject } from "./subjects.ts";

const RUNS = 6;
const STRANGER_RUNS = 6;

describe.each(SUBJECTS.map((subject) => ({ name: subject.name, subject })))(
  "$name",
  ({ subject }) => {
    let running: TestService;
    beforeAll(async () => {
      running = await subject.start();
    });
    afterAll(() => running.stop());

    test("every rule names a permission of the service, and rules that admit anyone have a reason", () => {
      const own = new RegExp(`^${subject.name}:[a-z-]+:(?:read|write)$`);
      expect(permissionsOf(running).filter((it) => !own.test(it))).toEqual([]);
      const bare = running.routes.filter(({ rule }) => rule.allow === "anyone" && rule.why === "");
      expect(bare.map(nameOf)).toEqual([]);
    });

    test("the rules of all routes match the reviewed list", async () => {
      await expect(rulesText(running.routes, ruleOf)).toMatchFileSnapshot(
        `who-may-call/${subject.name}.txt`,
      );
    });

    test("each route admits exactly the roles that its rule allows", async () => {
      const roles = await rolesOf(subject, running);
      const wrong: string[] = [];
      for (const route of running.routes) {
        for (const role of roles) {
          const admitted = await isAdmitted(running, route, role.token);
          const isAllowed = role.passes(route);
          if (isAllowed !== admitted && !(isAllowed && route.rule.allow === "own-or")) {
            wrong.push(`${nameOf(route)} as ${role.name}: ${admitted ? "admitted" : "refused"}`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });

    test("an unrelated account gets no data of others, whatever ids it sends", async () => {
      const { pool } = await fuzzApi(running, {
        ...subject,
        prepare: () => Promise.resolve(subject.prepare?.(running)),
        runs: RUNS,
      });
      // Fuzzing may have deleted resources, so existing ones are requested first.
      const fresh: Pool = new Map();
      harvest(await subject.prepare?.(running), fresh);
      for (const [prefix, ids] of fresh) pool.set(prefix, ids);
      const other = await subject.account(running, "");
      const elsewhere = await subject.account(running, elsewhereIn(running));
      const leaking = { running, document: await documentOf(running), pool };
      for (const route of running.routes) {
        if (route.rule.allow === "own-or") {
          expect(await leaksOf(leaking, route, other)).toEqual([]);
          expect(await leaksOf(leaking, route, elsewhere)).toEqual([]);
        } else if (isScoped(route)) {
          expect(await leaksOf(leaking, route, elsewhere)).toEqual([]);
        }
      }
    }, 90_000);
  },
);

const isScoped = ({ rule }: Route): boolean => rule.allow === "permission" && rule.scoped === true;

/** The permissions that a service's routes require. */
const permissionsOf = ({ routes }: TestService): string[] => [
  ...new Set(routes.flatMap(({ rule }) => ("permission" in rule ? [rule.permission] : []))),
];

/** Every permission of a service, narrowed to an object that does not exist. */
const elsewhereIn = (running: TestService): string =>
  permissionsOf(running)
    .map((it) => `${it}/nothing-here`)
    .join(" ");

function ruleOf({ rule, ownCredentials }: Route): string {
  if (rule.allow === "anyone") return ownCredentials ? "anyone, with own credentials" : "anyone";
  if (rule.allow === "signed-in") return rule.allow;
  const scoped = rule.allow === "permission" && rule.scoped === true ? ", in its scope" : "";
  return `${rule.allow} ${rule.permission}${scoped}`;
}

type Role = { name: string; token: string | undefined; passes(route: Route): boolean };

async function rolesOf(subject: Subject, running: TestService): Promise<Role[]> {
  const open = ({ rule }: Route): boolean => rule.allow === "anyone";
  const own = permissionsOf(running);
  const foreign = ["shipping:parcels:write", `${subject.service.name}x:*`, "*", `${own[0]}x`];
  const withAll =
    (scope: string[]) =>
    (route: Route): boolean =>
      route.rule.allow !== "permission" || scope.includes(route.rule.permission);
  const account = async (name: string, scope: string[]): Promise<Role> => ({
    name,
    token: await subject.account(running, scope.join(" ")),
    passes: withAll(scope),
  });
  // An invalid token is rejected even if none is required, because its sender expects to be signed in.
  const invalid = (name: string, token: string): Role => ({
    name,
    token,
    passes: ({ ownCredentials = false }) => ownCredentials,
  });
  return [
    { name: "anonymous", token: undefined, passes: open },
    invalid("an invalid token", "eyJhbGciOiJub25lIn0.e30."),
    invalid("an expired token", await running.token({ scope: own.join(" "), expiresInS: -60 })),
    await account("an account without permissions", []),
    await account("an account with permissions of other services", foreign),
    await account("an account with all permissions", own),
    {
      name: "an account with all permissions for an object that does not exist",
      token: await subject.account(running, elsewhereIn(running)),
      passes: (route) => route.rule.allow !== "permission" || isScoped(route),
    },
    ...(await Promise.all(
      own.map((permission) => account(`a holder of ${permission}`, [permission])),
    )),
    { name: "root", token: running.root, passes: () => true },
  ];
}

type Leaking = { running: TestService; document: OpenApi; pool: Pool };

/** Requests of an unrelated account that returned data. */
async function leaksOf(
  { running, document, pool }: Leaking,
  route: Route,
  other: string,
): Promise<string[]> {
  const operation = document.paths[route.path]?.[route.method.toLowerCase()];
  if (!operation) return [`${nameOf(route)} is not in the document`];
  const { sub: own = "" } = decodeJwt(other);
  const leaks: string[] = [];
  for (const fuzzed of fc.sample(requestTo(operation, document), STRANGER_RUNS)) {
    const response = await sendFuzzed({ running, route, operation, pool }, fuzzed, other);
    const empty = isEmpty(response.json, own) || ONLY_COMMENTS.test(response.text);
    if (response.status < 300 && !empty)
      leaks.push(`${nameOf(route)}: ${response.text.slice(0, 200)}`);
  }
  return leaks;
}

/** A stream of events without events. */
const ONLY_COMMENTS = /^(?::[^\n]*\n+)+$/;

/**
 * Whether a response holds only empty lists: an empty page, counts of no values. Data that names the caller (a grant to
 * them, an action of theirs) belongs to the caller.
 */
function isEmpty(value: unknown, own: string): boolean {
  if (typeof value !== "object" || value === null) return false;
  const values: unknown[] = Object.values(value);
  if (values.includes(own)) return true;
  if ("id" in value || "version" in value) return false;
  const lists = values.filter((it): it is unknown[] => Array.isArray(it));
  if (lists.length === 0) return values.length === 0;
  return lists.every((list) => list.every((it) => isEmpty(it, own)));
}
