import { expect, test } from "vitest";

import { RATES } from "./domain/throttle.ts";
import {
  PASSWORD,
  type TestAccounts,
  enrolTotp,
  linkTokens,
  requestReset,
  resetPassword,
  signIn,
  signUp,
  testAccounts,
  trySignIn,
} from "./testing.ts";

/** In two groups, as apps show a code. */
const grouped = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;

/** An account with an authenticator app. */
async function enrolled(service: TestAccounts) {
  const account = await signUp(service);
  const { as, url, uri, code, confirm } = await enrolTotp(service, account);
  expect(uri).toMatch(/^otpauth:\/\/totp\//);
  expect((await confirm({ code: "000000x" })).status).toBe(400);
  const confirmed = await confirm({ code: grouped(code()) });
  expect(confirmed.status).toBe(201);
  const recoveryCodes: string[] = Object(confirmed.json).recoveryCodes;
  return { account, as, url, code, recoveryCodes };
}

test("an enrolled authenticator app makes sign-in require a code, which can be used once", async () => {
  await using service = await testAccounts();
  const { account, code } = await enrolled(service);
  const withoutCode = await trySignIn(service, account);
  expect(withoutCode.status).toBe(401);
  expect(withoutCode.json).toMatchObject({
    errors: [{ path: "body.otp", code: "second_factor_required" }],
  });
  const used = code();
  expect((await trySignIn(service, { ...account, otp: used })).status).toBe(401);
  service.clock.now += 30_000;
  const otp = code();
  const [one, two] = await Promise.all([
    trySignIn(service, { ...account, otp }),
    trySignIn(service, { ...account, otp }),
  ]);
  expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([201, 401]);
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
  service.clock.now += 300_000;
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
});

test("recovery codes can be used once, in any notation, and are stored hashed only", async () => {
  await using service = await testAccounts();
  const { account, recoveryCodes, as, url } = await enrolled(service);
  expect(recoveryCodes).toHaveLength(10);
  const otp = recoveryCodes[0]?.toUpperCase().replaceAll("-", " ") ?? "";
  expect((await trySignIn(service, { ...account, otp })).status).toBe(201);
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
  const left = await service.send("GET", url, { as });
  expect(left.json).toEqual({ enabled: true, recoveryCodesLeft: 9 });
  const rows = JSON.stringify(await service.database.query("SELECT * FROM recovery_codes"));
  for (const recoveryCode of recoveryCodes) expect(rows).not.toContain(recoveryCode);
});

test("guesses of codes are throttled at sign-in", async () => {
  await using service = await testAccounts();
  const { account } = await enrolled(service);
  const statuses = [];
  for (let attempts = 0; attempts < RATES.pair.burst + 4; attempts += 1) {
    statuses.push((await trySignIn(service, { ...account, otp: `00000${attempts % 10}` })).status);
  }
  expect(statuses.filter((it) => it === 401).length).toBeLessThanOrEqual(RATES.pair.burst);
  expect(statuses.at(-1)).toBe(429);
});

test("guesses of codes within a session are throttled and audited", async () => {
  await using service = await testAccounts();
  const { account, as, url, recoveryCodes, code } = await enrolled(service);
  const guess = (action: string, guessed: string, token = as) =>
    service.send("POST", `${url}/${action}`, {
      as: token,
      body: { password: PASSWORD, code: guessed },
    });
  const statuses: number[] = [];
  for (let attempts = 0; attempts < RATES.code.burst; attempts += 1) {
    statuses.push((await guess(attempts % 2 === 0 ? "remove" : "recovery-codes", "000000")).status);
  }
  expect(new Set(statuses)).toEqual(new Set([400]));
  expect((await guess("remove", recoveryCodes[0] ?? "")).status).toBe(429);
  expect((await guess("recovery-codes", recoveryCodes[0] ?? "")).status).toBe(429);
  const trail = await service.send("GET", "/v1/audit?action=second-factor.code&limit=100", {
    as: service.root,
  });
  expect(Object(trail.json).items).toHaveLength(RATES.code.burst);
  expect(Object(trail.json).items[0]).toMatchObject({ outcome: "failure", subject: account.id });
  service.clock.now += 30_000;
  const otp = code();
  const { accessToken: elsewhere } = await signIn(service, { ...account, otp });
  expect((await guess("recovery-codes", recoveryCodes[0] ?? "", elsewhere)).status).toBe(201);
});

test("device tokens from before the enrolment share the attempts at the second factor", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const early: (string | null)[] = [];
  for (let times = 0; times < 3; times += 1) {
    early.push((await signIn(service, account)).deviceToken);
  }
  const { code, confirm } = await enrolTotp(service, account);
  await confirm({ code: code() });
  const statuses: number[] = [];
  for (let attempts = 0; attempts < 2 * RATES.code.burst; attempts += 1) {
    const deviceToken = early[attempts % early.length] ?? null;
    statuses.push((await trySignIn(service, { ...account, otp: "000000", deviceToken })).status);
  }
  expect(statuses.filter((it) => it === 401)).toHaveLength(RATES.code.burst);
});

test("removing the second factor requires the password and a code", async () => {
  await using service = await testAccounts();
  const { account, as, url, recoveryCodes } = await enrolled(service);
  const remove = (password: string, code: string) =>
    service.send("POST", `${url}/remove`, { as, body: { password, code } });
  expect((await remove("wrong", recoveryCodes[0] ?? "")).status).toBe(403);
  expect((await remove(PASSWORD, "000000")).status).toBe(400);
  const stranger = await signIn(service, await signUp(service));
  const theirs = { as: stranger.accessToken, body: { password: PASSWORD, code: recoveryCodes[0] } };
  expect((await service.send("POST", `${url}/remove`, theirs)).status).toBe(404);
  expect((await remove(PASSWORD, recoveryCodes[0] ?? "")).status).toBe(204);
  expect((await trySignIn(service, account)).status).toBe(201);
});

test("enrolling again is refused while an authenticator app is in use", async () => {
  await using service = await testAccounts();
  const { as, url } = await enrolled(service);
  const again = await service.send("POST", url, { as, body: { password: PASSWORD } });
  expect(again.status).toBe(409);
});

test("password resets give no additional attempts at the second factor, and known devices have their own", async () => {
  await using service = await testAccounts();
  const { account, code } = await enrolled(service);
  await service.database.query("UPDATE accounts SET email_verified = true");
  service.clock.now += 30_000;
  const own = code();
  const { deviceToken: known } = await signIn(service, { ...account, otp: own });
  const statuses: number[] = [];
  const used = new Set<string>();
  let newPassword = "";
  for (let round = 0; round < 3; round += 1) {
    newPassword = `another line of words ${round}`;
    await requestReset(service, account.email);
    const token = (await linkTokens(service, "reset")).find((it) => !used.has(it)) ?? "";
    used.add(token);
    const reset = await resetPassword(service, { token, newPassword });
    const { deviceToken } = Object(reset.json);
    for (let attempts = 0; attempts < 5; attempts += 1) {
      const guess = { ...account, password: newPassword, otp: "000000", deviceToken };
      statuses.push((await trySignIn(service, guess)).status);
    }
  }
  expect(statuses.filter((it) => it === 401)).toHaveLength(RATES.code.burst);
  expect(statuses.at(-1)).toBe(429);
  service.clock.now += 30_000;
  const otp = code();
  const owner = { ...account, password: newPassword, otp, deviceToken: known };
  expect((await trySignIn(service, owner)).status).toBe(201);
});
