import * as fc from "fast-check";
import { expect, test } from "vitest";

import { newDatabase } from "#api/kit/test-database.ts";
import { poolDatabase } from "#platform/postgres/database.ts";

import { type Bucket, RATES, throttleBy } from "./domain/throttle.ts";
import { coreMigrations } from "./repositories/migrations-core.ts";
import { returnTokens, takeTokens } from "./repositories/throttle.ts";
import { ADA, authorizationRequest, cookiesOf, startProvider } from "./testing-oauth.ts";
import {
  linkTokens,
  requestReset,
  resetPassword,
  signIn,
  signUp,
  testAccounts,
  trySignIn,
} from "./testing.ts";

const WRONG = "not the password";

test("guessing is throttled while the owner signs in from a known device", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { deviceToken } = await signIn(service, account);
  const guess = () => trySignIn(service, { email: account.email, password: WRONG });
  for (let tries = 0; tries < RATES.pair.burst; tries += 1)
    expect((await guess()).status).toBe(401);
  const refused = await guess();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  // The right password is refused too, as it could be a guess.
  expect((await trySignIn(service, account)).status).toBe(429);
  for (let times = 0; times < 5; times += 1) {
    expect((await guess()).status).toBe(429);
    expect((await trySignIn(service, { ...account, deviceToken })).status).toBe(201);
  }
  service.clock.now += 5 * 60_000;
  expect((await trySignIn(service, account)).status).toBe(201);
});

test("a password reset makes the browser a known device, which others cannot lock out of the sign-in page", async () => {
  const { service, newClient, submit } = await startProvider();
  await using _ = service;
  const { url } = await authorizationRequest(await newClient("public"));
  const { email } = ADA;
  for (let tries = 0; tries < RATES.pair.burst; tries += 1) {
    await trySignIn(service, { email, password: WRONG });
  }
  expect((await submit(url, ADA)).status).toBe(429);
  await requestReset(service, email);
  const [token] = await linkTokens(service, "reset");
  const newPassword = "another long line of words";
  const reset = await resetPassword(service, { token, newPassword });
  expect(reset.headers.getSetCookie().join()).toMatch(/Path=\/oauth; HttpOnly; SameSite=Strict/);
  const typed = { email, password: newPassword };
  expect((await submit(url, typed)).status).toBe(429);
  expect((await submit(url, typed, cookiesOf(reset))).status).toBe(303);
});

test("a device token is valid for its account only, and has its own limit", async () => {
  await using service = await testAccounts();
  const [mine, other] = [await signUp(service), await signUp(service)];
  const { deviceToken } = await signIn(service, mine);
  const guess = (email: string) => trySignIn(service, { email, password: WRONG, deviceToken });
  for (let tries = 0; tries < RATES.pair.burst; tries += 1) await guess(other.email);
  expect((await guess(other.email)).status).toBe(429);
  for (let tries = 0; tries < RATES.device.burst; tries += 1)
    expect((await guess(mine.email)).status).toBe(401);
  expect((await guess(mine.email)).status).toBe(429);
});

test("concurrent attempts do not exceed the limit", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  const tries = Array.from({ length: RATES.pair.burst + 10 }, () =>
    trySignIn(service, { email, password: WRONG }),
  );
  const statuses = (await Promise.all(tries)).map((it) => it.status);
  expect(statuses.filter((it) => it === 401)).toHaveLength(RATES.pair.burst);
});

const throttle = throttleBy(Buffer.alloc(32, 1));

async function throttleTable() {
  const database = poolDatabase(await newDatabase(), { onError: () => undefined });
  const [first] = coreMigrations;
  await database.query(first?.sql ?? "");
  return database;
}

const attempts = fc.array(
  fc.record({
    address: fc.constantFrom("192.0.2.1", "192.0.2.2", "198.51.100.7"),
    email: fc.constantFrom("ada@example.com", "bob@example.com"),
    isOwner: fc.boolean(),
    isRight: fc.boolean(),
    laterMs: fc.nat(60_000),
  }),
  { maxLength: 60 },
);

test("other sources' attempts never throttle a known device", async () => {
  const database = await throttleTable();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(attempts, async (all) => {
      run += 1;
      let nowMs = run * 1e9;
      for (const { address, email, isOwner, isRight, laterMs } of all) {
        nowMs += laterMs;
        const deviceId = isOwner ? `device ${run}` : undefined;
        const buckets = throttle.signIn({ email: `${run} ${email}`, address, deviceId });
        const waitMs = await takeTokens(database, buckets, nowMs);
        if (isOwner) expect(waitMs).toBe(0);
        if (waitMs === 0 && (isOwner || isRight)) {
          await returnTokens(database, buckets, ["pair", "device"]);
        }
      }
    }),
    { numRuns: 25 },
  );
  await database.close();
});

test("wrong attempts never exceed burst and refill of the bucket", async () => {
  const database = await throttleTable();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40_000), { maxLength: 150 }), async (waits) => {
      run += 1;
      const address = "192.0.2.1";
      const buckets = throttle.signIn({
        email: `${run}@example.com`,
        address,
        deviceId: undefined,
      });
      const [pair] = buckets;
      if (pair === undefined) throw new Error("no bucket");
      const startMs = run * 1e9;
      let [nowMs, passed] = [startMs, 0];
      for (const waitMs of waits) {
        nowMs += waitMs;
        if ((await takeTokens(database, buckets, nowMs)) === 0) passed += 1;
      }
      expect(passed).toBeLessThanOrEqual(allowed(pair, nowMs - startMs));
    }),
    { numRuns: 15 },
  );
  await database.close();
});

test("clock skew neither locks accounts nor resets the throttle", async () => {
  const database = await throttleTable();
  const buckets = throttle.signIn({ email: "a", address: "192.0.2.1", deviceId: undefined });
  const nowMs = 1e12;
  const take = (atMs: number) => takeTokens(database, buckets, atMs);
  expect(await take(nowMs + 365 * 86_400_000)).toBe(0);
  for (let times = 0; times < RATES.pair.burst; times += 1) expect(await take(nowMs)).toBe(0);
  expect(await take(nowMs)).toBeGreaterThan(0);
  expect(await take(nowMs - 60_000)).toBeGreaterThan(0);
  await database.close();
});

const allowed = ({ burst, refillMs }: Bucket, elapsedMs: number): number =>
  burst + Math.floor(elapsedMs / refillMs);
