import { createDecipheriv } from "node:crypto";

import { expect, test } from "vitest";

import { TEST_ROOT_KEY, testService } from "#api/kit/testing.ts";

import { sealSecret } from "./repositories/secrets.ts";
import { management } from "./service.ts";

const PLAIN = "correct-horse-battery-staple";
const ROTATED = "another-horse-another-staple";

test("a stored secret is in no answer, log, export, diff, watch or table", async () => {
  await using service = await testService(management);
  const as = service.root;
  const seen: string[] = [];
  const send = async (...[method, path, more = {}]: Parameters<typeof service.send>) => {
    const response = await service.send(method, path, { as, ...more });
    seen.push(response.text, JSON.stringify([...response.headers]));
    return response;
  };
  const key = { "idempotency-key": "k" };
  const put = { body: { value: PLAIN, description: "of the database" }, headers: key };
  expect((await send("PUT", "/v1/secrets/db", put)).status).toBe(201);
  expect((await send("PUT", "/v1/secrets/db", put)).status).toBe(201);
  expect((await send("PUT", "/v1/secrets/db", { body: { value: PLAIN } })).status).toBe(409);
  await send("POST", "/v1/applications", { body: { name: "shop", description: "", reason: "r" } });
  const definition = { description: "", schema: { type: "secret" } };
  const define = (more: object) => ({
    body: { definition: { ...definition, ...more }, reason: "r" },
  });
  const path = "/v1/settings/shop/definitions/db.password";
  expect((await send("PUT", path, define({ default: PLAIN }))).status).toBe(400);
  expect((await send("PUT", path, define({ default: "secret://none" }))).status).toBe(422);
  expect((await send("PUT", path, define({ default: "secret://db" }))).status).toBe(200);
  const stale = { body: { value: ROTATED }, headers: { "if-match": '"9"' } };
  expect((await send("POST", "/v1/secrets/db/rotate", stale)).status).toBe(412);
  const rotate = { body: { value: ROTATED }, headers: { "if-match": '"1"' } };
  expect((await send("POST", "/v1/secrets/db/rotate", rotate)).json).toMatchObject({ version: 2 });
  for (const read of [
    "/v1/secrets",
    "/v1/secrets/db",
    "/v1/settings/shop/resolved",
    "/v1/settings/shop",
    "/v1/applications/shop/export",
    "/v1/applications/shop/revisions/2",
    "/v1/applications/shop/diff?from=1&to=2",
    "/v1/events",
    "/v1/secrets/db/value",
  ]) {
    await send("GET", read);
  }
  const used = { headers: { "if-match": '"2"' } };
  expect((await send("DELETE", "/v1/secrets/db", used)).status).toBe(409);
  const tables = ["applications", "revisions", "secrets", "idempotency", "events", "jobs"];
  for (const table of tables) {
    const rows = await service.database.query(`SELECT t::text AS row FROM ${table} t`);
    for (const { row } of rows) {
      const hex = String(row).replaceAll(/\\\\?x([0-9a-f]+)/g, (_, bytes: string) =>
        Buffer.from(bytes, "hex").toString("latin1"),
      );
      seen.push(String(row), hex);
    }
  }
  seen.push(JSON.stringify(service.lines));
  for (const text of seen) {
    // Misplaced input is refused without being quoted.
    expect(text).not.toContain(PLAIN);
    expect(text).not.toContain(ROTATED);
  }
  expect(seen.join("")).toContain("secret://db");
});

test("an encrypted secret can only be decrypted with its key, name and version", () => {
  const key = Buffer.alloc(32, 7);
  const sealed = sealSecret(key, { name: "db", version: 3, value: PLAIN });
  const open = (aad: string, by = key): string => {
    const decipher = createDecipheriv("aes-256-gcm", by, sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from(aad));
    decipher.setAuthTag(sealed.subarray(-16));
    return decipher.update(sealed.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
  };
  expect(open("db\n3")).toBe(PLAIN);
  expect(() => open("db\n2")).toThrow();
  expect(() => open("other\n3")).toThrow();
  expect(() => open("db\n3", Buffer.alloc(32, 8))).toThrow();
  expect(sealed.toString("latin1")).not.toContain(TEST_ROOT_KEY);
  expect(sealSecret(key, { name: "db", version: 3, value: PLAIN })).not.toEqual(sealed);
});

test("an unreferenced secret can be deleted", async () => {
  await using service = await testService(management);
  const as = service.root;
  await service.send("PUT", "/v1/secrets/old", { as, body: { value: "x" } });
  const headers = { "if-match": '"1"' };
  expect((await service.send("DELETE", "/v1/secrets/old", { as, headers })).status).toBe(204);
  expect((await service.send("GET", "/v1/secrets/old", { as })).status).toBe(404);
});
