import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";

import { serveRoutes } from "#platform/http/testing.ts";
import { silentLog } from "#platform/log.ts";
import type { Database } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";
import { openPostgres } from "#platform/postgres/open.ts";
import { hashPassword, verifyPassword } from "#platform/secrets.ts";

import { type Access, createAccess } from "./access.ts";
import { memberAccess } from "./member-access.ts";
import { accessMigrations } from "./migrations.ts";
import { accessRoutes } from "./routes.ts";

const HOUR_MS = 3_600_000;
const ANN = { email: " Ann@Example.com", name: "Ann", password: "correct horse battery" };
const config = { publicUrl: undefined, sessionIdleMs: 168 * HOUR_MS, sessionMaxMs: 720 * HOUR_MS };

const folder = mkdtempSync(path.join(tmpdir(), "qd access "));
const log = silentLog();
let database: Database;
let nowMs = 0;
let address = "192.0.2.1";
let access: Access;
const clock = { nowMs: () => nowMs };

beforeAll(async () => {
  database = await openPostgres({ dataFolder: folder, databaseUrl: undefined, log });
  await migrate(database, [accessMigrations]);
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await database.query("DELETE FROM members");
  await database.query("DELETE FROM setup_links");
  nowMs = Date.UTC(2026, 0, 1);
  access = createAccess({ database, clock, limits: config, installation: "here" });
});

let api: Awaited<ReturnType<typeof serveRoutes>>;
beforeEach(async () => {
  const origins = { hosts: [], origin: undefined };
  const control = memberAccess({
    access,
    database,
    clock,
    origins,
    deployTokens: { find: () => undefined },
  });
  api = await serveRoutes(accessRoutes({ access, settings: config }), {
    access: control,
    log,
    clock,
    database,
    addressOf: () => address,
  });
});
afterEach(() => api[Symbol.asyncDispose]());

async function call(route: string, options: { body?: unknown; cookie?: string } = {}) {
  const [method = "", target = ""] = route.split(" ");
  const response = await fetch(`${api.url}${target}`, {
    method,
    headers: {
      ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === "" ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "",
    setCookie: response.headers.get("set-cookie") ?? "",
    retryAfter: response.headers.get("retry-after"),
  };
}

async function withOwner() {
  const token = await access.setup.createLink();
  const made = await call("POST /api/setup", { body: { ...ANN, token } });
  expect(made.status).toBe(201);
  return made;
}

const actions = async (newest: number): Promise<unknown[]> =>
  (await database.query("SELECT action FROM audit ORDER BY id DESC LIMIT $1", [newest])).map(
    (row) => row["action"],
  );

test("the one-time link creates the first owner, signs them in, and works only once", async () => {
  const token = await access.setup.createLink();
  expect((await call("GET /api/setup")).body).toEqual({ open: true });
  const made = await call("POST /api/setup", { body: { ...ANN, token } });
  expect(made.body).toMatchObject({ email: "ann@example.com", name: "Ann", role: "owner" });
  expect(made.setCookie).toContain("HttpOnly; SameSite=Lax");
  expect((await call("GET /api/me", { cookie: made.cookie })).body).toEqual(made.body);
  expect(await actions(2)).toEqual(["session.start", "member.create"]);

  expect((await call("POST /api/setup", { body: { ...ANN, token } })).status).toBe(403);
  expect((await call("GET /api/setup")).body).toEqual({ open: false });
  expect(await access.setup.createLink()).toBeUndefined();
});

test("of two concurrent requests with one link, one creates the owner", async () => {
  const token = await access.setup.createLink();
  const responses = await Promise.all(
    ["a@example.com", "b@example.com"].map((email) =>
      call("POST /api/setup", { body: { ...ANN, email, token } }),
    ),
  );
  expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(await database.query("SELECT count(*) AS n FROM members")).toEqual([{ n: 1 }]);
});

test("an expired, replaced or invented link creates no owner", async () => {
  const first = await access.setup.createLink();
  const second = await access.setup.createLink();
  for (const token of [first, "made-up"]) {
    expect((await call("POST /api/setup", { body: { ...ANN, token } })).status).toBe(403);
  }
  nowMs += 24 * HOUR_MS;
  expect((await call("POST /api/setup", { body: { ...ANN, token: second } })).status).toBe(403);
});

test("the set-up names each invalid field", async () => {
  const token = await access.setup.createLink();
  const body = { token, email: "ann", name: " ", password: "short" };
  const answer = await call("POST /api/setup", { body });
  expect(answer.status).toBe(400);
  expect(answer.body["detail"]).toContain("email: this is not an e-mail address");
  expect(answer.body["detail"]).toContain("password: use at least 12 characters");
  const hostile = { ...ANN, token, name: "Ann\u001b[2J" };
  const refused = await call("POST /api/setup", { body: hostile });
  expect(refused.status).toBe(400);
  expect(refused.body["detail"]).toContain("name: a name has no control characters");
  const withNul = { ...ANN, token, name: "Ann\0" };
  expect((await call("POST /api/setup", { body: withNul })).status).toBe(400);
});

test("the set-up refuses a common password by the rule of Accounts, and the link stays valid", async () => {
  const token = await access.setup.createLink();
  const weak = await call("POST /api/setup", {
    body: { ...ANN, token, password: "Password1234567" },
  });
  expect([weak.status, weak.body["detail"]]).toEqual([
    400,
    expect.stringContaining("password: this password is too common"),
  ]);
  expect((await call("POST /api/setup", { body: { ...ANN, token } })).status).toBe(201);
});

test("signing in requires the right password, and ignores the case of the e-mail address", async () => {
  await withOwner();
  const wrong = { email: "ann@example.com", password: "wrong" };
  const unknown = { email: "eve@example.com", password: "wrong" };
  const responses = [
    await call("POST /api/session", { body: wrong }),
    await call("POST /api/session", { body: unknown }),
  ];
  expect(responses.map(({ status }) => status)).toEqual([401, 401]);
  expect(new Set(responses.map(({ body }) => body["detail"])).size).toBe(1);
  const right = { email: "ANN@example.com", password: ANN.password };
  const signedIn = await call("POST /api/session", { body: right });
  expect(signedIn.status).toBe(201);
  expect((await call("GET /api/me", { cookie: signedIn.cookie })).status).toBe(200);
  expect(await actions(3)).toEqual(["session.start", "session.refuse", "session.refuse"]);
});

test("guessing passwords is rate-limited by address, so the member can still sign in from elsewhere and later", async () => {
  await withOwner();
  const body = { email: "ann@example.com", password: "wrong" };
  const right = { email: "ann@example.com", password: ANN.password };
  for (let tries = 0; tries < 5; tries += 1) await call("POST /api/session", { body });
  const refused = await call("POST /api/session", { body: right });
  expect(refused.status).toBe(429);
  expect(Number(refused.retryAfter)).toBe(30);
  address = "192.0.2.2";
  expect((await call("POST /api/session", { body: right })).status).toBe(201);
  address = "192.0.2.1";
  nowMs += 30_000;
  expect((await call("POST /api/session", { body: right })).status).toBe(201);
});

test("signing out ends the session, not only the cookie", async () => {
  const { cookie } = await withOwner();
  const out = await call("DELETE /api/session", { cookie });
  expect(out.status).toBe(204);
  expect(out.setCookie).toContain("Max-Age=0");
  expect((await call("GET /api/me", { cookie })).status).toBe(401);
  expect(await access.sessionOf(cookie)).toBeUndefined();
});

test("a session ends when it is idle for too long, and at the latest at its maximum age", async () => {
  const { cookie } = await withOwner();
  for (let day = 0; day < 29; day += 1) {
    nowMs += 24 * HOUR_MS;
    expect((await call("GET /api/me", { cookie })).status).toBe(200);
  }
  nowMs += 24 * HOUR_MS;
  expect((await call("GET /api/me", { cookie })).status).toBe(401);

  const again = await access.signIn({ email: "ann@example.com", password: ANN.password }, address);
  nowMs += 168 * HOUR_MS;
  expect(await access.sessions.find(again.token)).toBeUndefined();
});

test("the database holds no token and no password in plain text", async () => {
  const { cookie } = await withOwner();
  const token = cookie.split("=")[1] ?? "";
  const dump = JSON.stringify([
    await database.query("SELECT * FROM members"),
    await database.query("SELECT encode(token_hash, 'escape') AS hash FROM sessions"),
    await database.query("SELECT * FROM audit"),
  ]);
  expect(token.length).toBeGreaterThan(40);
  expect(dump).not.toContain(token);
  expect(dump).not.toContain(ANN.password);
  expect(dump).toContain("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("the audit log is append-only", async () => {
  await withOwner();
  await expect(database.query("UPDATE audit SET actor = 'x'")).rejects.toThrow(/only ever added/);
  await expect(database.query("DELETE FROM audit")).rejects.toThrow(/only ever added/);
});

test("a password is verified with the parameters stored with it, and invalid hashes match nothing", async () => {
  const stored = await hashPassword("Zürich");
  expect(await verifyPassword("Zürich", stored)).toBe(true);
  expect(await verifyPassword("Zu\u0308rich", stored)).toBe(true);
  expect(await verifyPassword("Zurich", stored)).toBe(false);
  for (const garbage of ["", "plain", "$argon2id$v=19$m=1$x"]) {
    expect(await verifyPassword("Zürich", garbage)).toBe(false);
  }
});
