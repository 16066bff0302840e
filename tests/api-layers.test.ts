import { readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

/**
 * Inside a service: `domain/` has the rules (no HTTP, SQL or clock), `repositories/` has all SQL and other stores,
 * `commands/` use both in a transaction, `routes/` is the HTTP layer. Services import the kit, but not each other.
 */
const LAYERS: Record<string, { mayKnow: readonly string[] }> = {
  domain: { mayKnow: ["domain"] },
  repositories: { mayKnow: ["domain", "repositories"] },
  commands: { mayKnow: ["domain", "repositories", "commands"] },
  routes: { mayKnow: ["domain", "repositories", "commands", "routes"] },
};
const SQL = /["'`]\s*(?:SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|CREATE TABLE)\b/;
const HTTP = /from "(?:hono|node:http|#platform\/http\/(?!caller)|#api\/kit\/(?!service))/;

type Source = { path: string; service: string; layer: string; text: string };

const SOURCES: Source[] = SERVICE_NAMES.flatMap((service) =>
  list(`api/${service}`).map((name) => {
    const path = `api/${service}/${name}`;
    const [layer = ""] = name.includes("/") ? name.split("/") : [""];
    return { path, service, layer, text: readFileSync(path, "utf8") };
  }),
).filter(({ path }) => !/\.test\.ts$|contract\.ts$|testing/.test(path));

function list(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((it) =>
      it.endsWith(".ts"),
    );
  } catch {
    return [];
  }
}

test("no service imports another", () => {
  const found = SOURCES.flatMap(({ path, service, text }) =>
    SERVICE_NAMES.filter((other) => other !== service && text.includes(`#api/${other}/`)).map(
      (other) => `${path} imports ${other}: use its public API instead`,
    ),
  );
  expect(found).toEqual([]);
});

test("inside a service, imports run in one direction: routes → commands → repositories → domain", () => {
  const found = SOURCES.flatMap(({ path, layer, text }) => {
    const rule = LAYERS[layer];
    if (!rule) return [];
    return [...text.matchAll(/from "\.\.\/(\w+)\//g)]
      .map(([, to = ""]) => to)
      .filter((to) => to in LAYERS && !rule.mayKnow.includes(to))
      .map((to) => `${path} imports ${to}`);
  });
  expect(found).toEqual([]);
});

test("only repositories/ contains SQL, and domain/ does not import HTTP", () => {
  const sql = SOURCES.filter(({ layer, text }) => layer !== "repositories" && SQL.test(text));
  expect(sql.map(({ path }) => path)).toEqual([]);
  const http = SOURCES.filter(({ layer, text }) => layer === "domain" && HTTP.test(text));
  expect(http.map(({ path }) => path)).toEqual([]);
});
