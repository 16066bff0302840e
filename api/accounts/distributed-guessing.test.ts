import { afterEach, beforeEach, expect, test } from "vitest";

import type { TestService } from "#api/kit/testing.ts";

import { RATES } from "./domain/throttle.ts";
import {
  PASSWORD,
  type TestAccounts,
  linkTokens,
  signIn,
  signUp,
  testAccounts,
  tokensIn,
} from "./testing.ts";

const env = { API_TRUSTED_PROXIES: "127.0.0.1" };
const HOME = "203.0.113.7";
const NEW = "another line of words";

let service: TestAccounts;
let other: TestAccounts;
let owner: { email: string; deviceToken: string | null };
beforeEach(async () => {
  service = await testAccounts({ env });
  other = await testAccounts({ env, databaseUrl: service.databaseUrl });
  other.clock.now = service.clock.now;
  const { email } = await signUp(service);
  owner = { email, deviceToken: (await signIn(service, { email })).deviceToken };
});
afterEach(async () => {
  await other.stop();
  await service.stop();
});

type From = { from: string; at?: TestService };
const post = (path: string, body: Record<string, unknown>, { from, at = service }: From) =>
  at.send("POST", path, { body, headers: { "x-forwarded-for": from } });

/** Guesses at both workers in turn. @returns the last status */
async function guess(
  times: number,
  of: (turn: number) => { email: string; from: string },
): Promise<number> {
  let status = 0;
  for (let turn = 0; turn < times; turn += 1) {
    const { email, from } = of(turn);
    const body = { email, password: "not the password" };
    ({ status } = await post("/v1/sessions", body, { from, at: turn % 2 === 0 ? service : other }));
  }
  return status;
}

const requestReset = (from: string) =>
  post("/v1/password-resets", { email: owner.email }, { from });

const PATTERNS: Record<string, () => Promise<number>> = {
  "at one account from many addresses": () =>
    guess(RATES.account.burst + 1, (turn) => ({
      email: owner.email,
      from: `198.51.100.${turn}`,
    })),
  "at one account from an IPv6 network and then from the owner's address": async () => {
    await guess(RATES.pair.burst, (turn) => ({
      email: owner.email,
      from: `2001:db8::${turn + 1}`,
    }));
    return guess(RATES.pair.burst + 1, () => ({ email: owner.email, from: HOME }));
  },
  "at many accounts from the owner's address": () =>
    guess(RATES.source.burst + 1, (turn) => ({ email: `nobody${turn}@example.com`, from: HOME })),
};

for (const [name, attack] of Object.entries(PATTERNS)) {
  test(`guessing ${name} is throttled in all workers without locking out the owner`, async () => {
    // An attacker exhausts the limit of mails; the mails were sent to the owner.
    for (let times = 0; times < RATES.mailbox.burst; times += 1)
      await requestReset("198.51.100.200");
    expect((await requestReset(HOME)).status).toBe(429);
    expect(await attack()).toBe(429);
    for (const at of [service, other]) {
      const known = { ...owner, password: PASSWORD };
      expect((await post("/v1/sessions", known, { from: HOME, at })).status).toBe(201);
    }
    // From a new device: by a password reset, even from the address of the guesses.
    for (let times = 0; times < RATES.probing.burst + 1; times += 1) {
      const wrong = { token: "qdp_forged", newPassword: NEW };
      expect((await post("/v1/password-resets/confirm", wrong, { from: HOME })).status).toBe(400);
    }
    const [token] = await linkTokens(service, "reset");
    const reset = await post(
      "/v1/password-resets/confirm",
      { token, newPassword: NEW },
      { from: HOME },
    );
    const { deviceToken } = Object(reset.json);
    const again = { email: owner.email, password: NEW };
    expect((await post("/v1/sessions", again, { from: HOME, at: other })).status).toBe(429);
    const home = await post("/v1/sessions", { ...again, deviceToken }, { from: HOME, at: other });
    expect(tokensIn(home).session.id).toMatch(/^ses_/);
  });
}

test("an IPv6 network shares one rate limit", async () => {
  await using limited = await testAccounts({ env, limit: { burst: 5, perSecond: 0.01 } });
  const statuses: number[] = [];
  for (let turn = 1; turn <= 6; turn += 1) {
    const headers = { "x-forwarded-for": `2001:db8::${turn}` };
    statuses.push((await limited.send("GET", "/v1/session", { headers })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});
