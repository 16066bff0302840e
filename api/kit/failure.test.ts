import { once } from "node:events";
import { createServer } from "node:http";

import { createRemoteJWKSet } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";

import { AppError } from "#platform/errors.ts";
import { openNotifications } from "#platform/events/notifications.ts";
import { tokenAuthenticator } from "#platform/http/tokens.ts";
import { silentLog } from "#platform/log.ts";
import { poolDatabase } from "#platform/postgres/database.ts";

import { type FaultyProxy, startFaultyProxy } from "../../tests/harness/faulty-proxy.ts";
import { dropDatabase, newDatabase } from "./test-database.ts";

let direct = "";
let proxy: FaultyProxy;
beforeAll(async () => {
  direct = await newDatabase();
  proxy = await startFaultyProxy(direct);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await dropDatabase(direct);
});

const PATIENCE = { timeout: 20_000 };
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a COMMIT whose response is lost is not reported as rolled back", async () => {
  await using database = closing(poolDatabase(proxy.url, { onError: () => undefined }));
  await database.query("CREATE TABLE lost (id int)");
  proxy.cutAfter("COMMIT");
  const failure = await failureOf(
    database.transaction((tx) => tx.query("INSERT INTO lost VALUES (1)")),
  );
  expect(failure).toMatchObject({ code: "unavailable" });
  expect(failure instanceof AppError && failure.message).toContain("its outcome is unknown");
  await expect.poll(() => database.query("SELECT id FROM lost"), PATIENCE).toEqual([{ id: 1 }]);
});

test("a connection that breaks between two queries of a transaction is reported as a database failure", async () => {
  await using database = closing(poolDatabase(direct, { onError: () => undefined }));
  const failure = await failureOf(
    database.transaction(async (tx) => {
      const [row] = await tx.query("SELECT pg_backend_pid() AS pid");
      await database.query("SELECT pg_terminate_backend($1)", [row?.["pid"]]);
      const ended = "SELECT count(*) AS n FROM pg_stat_activity WHERE pid = $1";
      await expect.poll(() => database.query(ended, [row?.["pid"]])).toEqual([{ n: 0 }]);
      await tx.query("SELECT 1");
    }),
  );
  expect(failure).toMatchObject({ code: "unavailable" });
  expect(failure instanceof AppError && failure.message).toContain("nothing was changed");
});

test("a listener detects a silent connection and reports that notifications may be missing", async () => {
  const received: (string | undefined)[] = [];
  const notifications = openNotifications({ url: proxy.url, schema: "kit", log: silentLog() });
  notifications.on("news", (payload) => void received.push(payload));
  await expect.poll(() => notifications.isListening(), PATIENCE).toBe(true);
  proxy.stall();
  await expect.poll(() => notifications.isListening(), PATIENCE).toBe(false);
  const before = received.length;
  proxy.recover();
  await expect.poll(() => notifications.isListening(), PATIENCE).toBe(true);
  expect(received.slice(before)).toEqual([undefined]);
  await notifications.close();
});

test("a token is not rejected as unknown while the keys of Accounts are unavailable", async () => {
  const accounts = createServer((_, response) => response.writeHead(503).end("{}"));
  accounts.listen(0, "127.0.0.1");
  await once(accounts, "listening");
  const address = accounts.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const authenticate = tokenAuthenticator({
    keys: createRemoteJWKSet(new URL(`http://127.0.0.1:${port}/jwks`)),
    issuer: "http://accounts.test",
    nowMs: () => 0,
  });
  const part = (it: unknown) => Buffer.from(JSON.stringify(it)).toString("base64url");
  const token = `${part({ alg: "ES256", typ: "at+jwt", kid: "k" })}.${part({})}.${part("")}`;
  expect(await failureOf(Promise.resolve(authenticate(token)))).toMatchObject({
    code: "unavailable",
  });
  accounts.close();
});

const closing = <T extends { close(): Promise<void> }>(it: T): T & AsyncDisposable => ({
  ...it,
  [Symbol.asyncDispose]: () => it.close(),
});
