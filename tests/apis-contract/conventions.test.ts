import { createHash } from "node:crypto";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { migrateService } from "#api/kit/instance.ts";
import { SERVICE_NAMES } from "#api/kit/service.ts";
import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { type TestService } from "#api/kit/testing.ts";
import { silentLog } from "#platform/log.ts";
import type { OpenApi, Operation } from "#platform/openapi/openapi.ts";
import { openServiceDatabase } from "#platform/postgres/service-database.ts";

import { type RunningApi, documentOf } from "./fuzz.ts";
import { APIS, CONTROL_PLANE, SUBJECTS } from "./subjects.ts";

const OPERATIONS = ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"];
/** Creating operations without an Idempotency-Key, with the reason why repeated requests are harmless. */
const ONCE_ANYWAY: Readonly<Record<string, string>> = {
  signInWithPasskey: "the challenge that was signed is used up",
  createFirstOwner: "the one-time link is used up",
  signIn: "each sign-in starts a new session",
  createPushToken: "a second token with the same name is refused",
  createDeployToken: "a second token with the same name is refused",
};
/** Changes with which the previous release cannot work; the word COLUMN is optional in SQL. */
const CONTRACTS = [
  /^(?:DROP|TRUNCATE)\b/i,
  /^ALTER TABLE\b.*\b(?:DROP(?! NOT NULL)|RENAME|SET NOT NULL|TYPE)\b/is,
  /^ALTER TABLE\b.*\bADD (?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b/is,
  /^ALTER TABLE\b.*\bADD (?:(?!DEFAULT|,).)* NOT NULL(?:(?!DEFAULT|,).)*(?:,|$)/is,
];
/** Whether a step is a contraction, which is allowed only in a migration with "contract" in its id. */
const contracts = (sql: string): boolean =>
  sql.split(";").some((it) => CONTRACTS.some((contract) => contract.test(it.trim())));

const hashOf = (sql: string): string => createHash("sha256").update(sql).digest("hex").slice(0, 16);

const operationsOf = (
  document: OpenApi,
): { name: string; method: string; operation: Operation }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      operation,
    })),
  );
const has = (operation: Operation, where: string, name: string): boolean =>
  operation.parameters.some((it) => it.in === where && it.name === name);

const Answer = z.object({ properties: z.object({}).loose().default({}) });

/** The schema of text, or of text and null, without a format. */
const PlainText = z.object({
  type: z.union([z.literal("string"), z.array(z.string())]),
  format: z.undefined().optional(),
});

function isList(operation: Operation): boolean {
  const schema = operation.responses["200"]?.content?.["application/json"]?.schema ?? {};
  const { properties } = Answer.parse(schema);
  return "items" in properties && "next" in properties;
}

/** The conventions that an operation breaks. */
function breaches({ name, method, operation }: ReturnType<typeof operationsOf>[number]): string[] {
  const created = operation.responses["201"] !== undefined;
  const once = operation.operationId in ONCE_ANYWAY;
  const noKey =
    method === "post" && created && !once && !has(operation, "header", "Idempotency-Key");
  const asks = has(operation, "query", "limit") && has(operation, "query", "cursor");
  const noPages = method === "get" && isList(operation) && !asks;
  return [
    ...(noKey ? [`${name} creates without accepting an Idempotency-Key`] : []),
    ...(noPages ? [`${name} is a list without limit and cursor`] : []),
  ];
}

test.each([
  ["CREATE TABLE a (id int NOT NULL UNIQUE)", false],
  ["CREATE INDEX a_b ON a (b); ALTER TABLE a ADD COLUMN c int", false],
  ["ALTER TABLE a ADD c bigint NOT NULL DEFAULT 0 CHECK (c >= 0)", false],
  ["ALTER TABLE a ALTER COLUMN c DROP NOT NULL", false],
  ["DROP INDEX a_b", true],
  ["CREATE TABLE b (id int); DROP TABLE a", true],
  ["ALTER TABLE a DROP c", true],
  ["ALTER TABLE a DROP COLUMN c", true],
  ["ALTER TABLE a RENAME c TO d", true],
  ["ALTER TABLE a ALTER c SET NOT NULL", true],
  ["ALTER TABLE a ALTER c SET DATA TYPE text", true],
  ["ALTER TABLE a ALTER c DROP DEFAULT", true],
  ["ALTER TABLE a ADD c int NOT NULL", true],
  ["ALTER TABLE a ADD COLUMN c int NOT NULL, ADD COLUMN d int NOT NULL DEFAULT 0", true],
  ["ALTER TABLE a ADD CHECK (c > 0)", true],
  ["TRUNCATE a", true],
])("whether %s breaks the previous release: %s", (sql, expected) => {
  expect(contracts(sql)).toBe(expected);
});

test("these tests cover every service", () => {
  expect(SUBJECTS.map(({ service }) => service.name)).toEqual(SERVICE_NAMES);
});

describe.each(APIS)("$name", (api) => {
  let running: RunningApi;
  beforeAll(async () => {
    running = await api.start();
  });
  afterAll(() => running.stop());

  test("has the routes of every API, and its document lists them", async () => {
    const response = await running.send("GET", "/openapi.json");
    const document = await documentOf(running);
    const required = api === CONTROL_PLANE ? OPERATIONS : [...OPERATIONS, "/v1/events"];
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(required));
    const operations = operationsOf(document);
    const ids = operations.map((it) => it.operation.operationId);
    expect(ids).toEqual([...new Set(ids)]);
    expect(response.headers.get("x-release")).toBe("0.1.0");
    const page = await running.send("GET", "/docs");
    expect(page.headers.get("content-type")).toContain("text/html");
    for (const id of ids) expect(page.text).toContain(`id="${id}"`);
    // A compressing proxy weakens an ETag.
    const etag = response.headers.get("etag") ?? "";
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const headers = { "if-none-match": known };
      expect((await running.send("GET", "/openapi.json", { headers })).status).toBe(304);
    }
  });

  test("every parameter of a path is declared, and every reference can be resolved", async () => {
    const response = await running.send("GET", "/openapi.json");
    const document = await documentOf(running);
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      for (const operation of Object.values(methods)) {
        const declared = operation.parameters.filter((it) => it.in === "path").map((it) => it.name);
        expect(
          declared.toSorted((a, b) => a.localeCompare(b)),
          path,
        ).toEqual(named.toSorted((a, b) => a.localeCompare(b)));
      }
    }
    for (const [, name = ""] of response.text.matchAll(
      /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
    )) {
      expect(document.components.schemas).toHaveProperty([name]);
    }
    expect(response.text).not.toContain("#/$defs");
  });

  test("lists are paged, and creating operations accept an Idempotency-Key", async () => {
    const document = await documentOf(running);
    const wrong = operationsOf(document).flatMap(breaches);
    expect(wrong).toEqual([]);
  });

  test("fields of responses whose names end with At are times", async () => {
    const { text } = await running.send("GET", "/openapi.json");
    const plain: string[] = [];
    JSON.parse(text, (name, value: unknown) => {
      if (/[a-z]At$/.test(name) && PlainText.safeParse(value).success) plain.push(name);
      return value;
    });
    expect(plain).toEqual([]);
  });

  test("every path responds to other methods with 405 and the supported ones", async () => {
    const wrong: string[] = [];
    const paths = Map.groupBy(running.routes, ({ path }) => path);
    for (const [path, routes] of paths) {
      const response = await running.send("OPTIONS", path.replaceAll(/\{\w+\}/g, "x"));
      const allowed = new Set(response.headers.get("allow")?.split(", "));
      const isRight = response.status === 405 && routes.every(({ method }) => allowed.has(method));
      if (!isRight) wrong.push(`${path}: ${response.status} ${[...allowed].join(", ")}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe.each(SUBJECTS)("the migrations of $name", ({ service, start }) => {
  let running: TestService;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running.stop());

  test("the previous release works with the migrated database", () => {
    const steps = service.migrations.filter(({ id }) => !id.includes("contract"));
    const first = steps.findIndex(({ sql }) => contracts(sql));
    expect(steps[first]?.id).toBeUndefined();
  });

  test("applied migrations never change, and new ones are appended to the reviewed list", async () => {
    const rows = await running.database.query(
      'SELECT id, sql FROM migrations ORDER BY id COLLATE "C"',
    );
    const lines = rows.map(({ id, sql }) => `${String(id)}  ${hashOf(String(sql))}\n`);
    await expect(lines.join("")).toMatchFileSnapshot(`migrations/${service.name}.txt`);
  });

  test("processes that start at the same time apply each migration once", async () => {
    const url = await newDatabase();
    const open = () =>
      openServiceDatabase({ url, replicaUrls: [], schema: service.name, log: silentLog() });
    const databases = [open(), open(), open(), open()];
    await Promise.all(databases.map((database) => migrateService(service, database)));
    const rows = await databases[0]?.query("SELECT id FROM migrations");
    expect(rows?.length).toBeGreaterThanOrEqual(service.migrations.length);
    expect(new Set(rows?.map(({ id }) => id)).size).toBe(rows?.length);
    await Promise.all(databases.map((database) => database.close()));
    await dropDatabase(url);
  });
});
