import { Secret, TOTP } from "otpauth";
import { expect, test } from "vitest";

import { RATES } from "./domain/throttle.ts";
import {
  type TestAccounts,
  PASSWORD,
  mailsOf,
  signIn,
  signUp,
  testAccounts,
  trySignIn,
} from "./testing.ts";

const codeAt = (secret: string, atMs: number): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: atMs });

/** In two groups, as apps show a code. */
const asShown = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;

/** An account with an authenticator app. */
async function enrolled(service: TestAccounts) {
  const account = await signUp(service);
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrol = await service.send("POST", path, { as, body: { password: PASSWORD } });
  const { secret = "", uri } = Object(enrol.json);
  expect(uri).toMatch(/^otpauth:\/\/totp\//);
  const confirm = (code: string) => service.send("POST", `${path}/confirm`, { as, body: { code } });
  expect((await confirm("000000x")).status).toBe(400);
  const confirmed = await confirm(asShown(codeAt(secret, service.clock.now)));
  expect(confirmed.status).toBe(201);
  const codes: string[] = Object(confirmed.json).recoveryCodes;
  return { account, as, path, secret: String(secret), codes };
}

test("with an authenticator app the password alone is not enough, and a code is good once", async () => {
  await using service = await testAccounts();
  const { account, secret } = await enrolled(service);
  const requireParameter = await trySignIn(service, account);
  expect(requireParameter.status).toBe(401);
  expect(requireParameter.json).toMatchObject({
    errors: [{ path: "body.otp", code: "second_factor_required" }],
  });
  const used = codeAt(secret, service.clock.now);
  expect((await trySignIn(service, { ...account, otp: used })).status).toBe(401);
  service.clock.now += 30_000;
  const otp = codeAt(secret, service.clock.now);
  const [one, two] = await Promise.all([
    trySignIn(service, { ...account, otp }),
    trySignIn(service, { ...account, otp }),
  ]);
  expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([201, 401]);
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
  service.clock.now += 300_000;
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
});

test("a recovery code is good once, however it is typed, and none is kept as it is", async () => {
  await using service = await testAccounts();
  const { account, codes, as, path } = await enrolled(service);
  expect(codes).toHaveLength(10);
  const otp = codes[0]?.toUpperCase().replaceAll("-", " ") ?? "";
  expect((await trySignIn(service, { ...account, otp })).status).toBe(201);
  expect((await trySignIn(service, { ...account, otp })).status).toBe(401);
  const left = await service.send("GET", path, { as });
  expect(left.json).toEqual({ enabled: true, recoveryCodesLeft: 9 });
  const kept = JSON.stringify(await service.database.query("SELECT * FROM recovery_codes"));
  for (const code of codes) expect(kept).not.toContain(code);
});

test("guessing codes is stopped like guessing passwords", async () => {
  await using service = await testAccounts();
  const { account } = await enrolled(service);
  const statuses = [];
  for (let tries = 0; tries < RATES.pair.burst + 4; tries += 1) {
    statuses.push((await trySignIn(service, { ...account, otp: `00000${tries % 10}` })).status);
  }
  expect(statuses.filter((it) => it === 401).length).toBeLessThanOrEqual(RATES.pair.burst);
  expect(statuses.at(-1)).toBe(429);
});

test("whoever has the password and a session guesses no code either, and each guess is in the trail", async () => {
  await using service = await testAccounts();
  const { account, as, path, codes, secret } = await enrolled(service);
  const guess = (deed: string, code: string, token = as) =>
    service.send("POST", `${path}/${deed}`, { as: token, body: { password: PASSWORD, code } });
  const statuses: number[] = [];
  for (let tries = 0; tries < RATES.code.burst; tries += 1) {
    statuses.push((await guess(tries % 2 === 0 ? "remove" : "recovery-codes", "000000")).status);
  }
  expect(new Set(statuses)).toEqual(new Set([400]));
  expect((await guess("remove", codes[0] ?? "")).status).toBe(429);
  expect((await guess("recovery-codes", codes[0] ?? "")).status).toBe(429);
  const trail = await service.send("GET", "/v1/audit?action=second-factor.code&limit=100", {
    as: service.root,
  });
  expect(Object(trail.json).items).toHaveLength(RATES.code.burst);
  expect(Object(trail.json).items[0]).toMatchObject({ outcome: "failure", subject: account.id });
  service.clock.now += 30_000;
  const otp = codeAt(secret, service.clock.now);
  const { accessToken: elsewhere } = await signIn(service, { ...account, otp });
  expect((await guess("recovery-codes", codes[0] ?? "", elsewhere)).status).toBe(201);
});

test("devices that are known from before the second factor have no tries of their own at it", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const early: (string | null)[] = [];
  for (let times = 0; times < 3; times += 1) {
    early.push((await signIn(service, account)).deviceToken);
  }
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrol = await service.send("POST", path, { as, body: { password: PASSWORD } });
  const secret = String(Object(enrol.json).secret);
  const code = codeAt(secret, service.clock.now);
  await service.send("POST", `${path}/confirm`, { as, body: { code } });
  const statuses: number[] = [];
  for (let tries = 0; tries < 2 * RATES.code.burst; tries += 1) {
    const deviceToken = early[tries % early.length] ?? null;
    statuses.push((await trySignIn(service, { ...account, otp: "000000", deviceToken })).status);
  }
  expect(statuses.filter((it) => it === 401)).toHaveLength(RATES.code.burst);
});

test("it is taken away for the password and a code, and for nothing less", async () => {
  await using service = await testAccounts();
  const { account, as, path, codes } = await enrolled(service);
  const remove = (password: string, code: string) =>
    service.send("POST", `${path}/remove`, { as, body: { password, code } });
  expect((await remove("wrong", codes[0] ?? "")).status).toBe(403);
  expect((await remove(PASSWORD, "000000")).status).toBe(400);
  const stranger = await signIn(service, await signUp(service));
  const theirs = { as: stranger.accessToken, body: { password: PASSWORD, code: codes[0] } };
  expect((await service.send("POST", `${path}/remove`, theirs)).status).toBe(404);
  expect((await remove(PASSWORD, codes[0] ?? "")).status).toBe(204);
  expect((await trySignIn(service, account)).status).toBe(201);
});

test("a second app does not take the place of one that is in use", async () => {
  await using service = await testAccounts();
  const { as, path } = await enrolled(service);
  const again = await service.send("POST", path, { as, body: { password: PASSWORD } });
  expect(again.status).toBe(409);
});

test("whoever reads the mails guesses no code: each link brings no new tries, and the owner's device has its own", async () => {
  await using service = await testAccounts();
  const { account, secret } = await enrolled(service);
  await service.database.query("UPDATE accounts SET email_verified = true");
  service.clock.now += 30_000;
  const own = codeAt(secret, service.clock.now);
  const { deviceToken: known } = await signIn(service, { ...account, otp: own });
  const statuses: number[] = [];
  const used = new Set<string>();
  let newPassword = "";
  for (let round = 0; round < 3; round += 1) {
    newPassword = `another line of words ${round}`;
    await service.send("POST", "/v1/password-resets", { body: { email: account.email } });
    await service.runJobs();
    const links = (await mailsOf(service.folder)).map((it) => it.token);
    const token = links.find((it) => it.startsWith("qdp_") && !used.has(it)) ?? "";
    used.add(token);
    const body = { token, newPassword };
    const reset = await service.send("POST", "/v1/password-resets/confirm", { body });
    const { deviceToken } = Object(reset.json);
    for (let tries = 0; tries < 5; tries += 1) {
      const guess = { ...account, password: newPassword, otp: "000000", deviceToken };
      statuses.push((await trySignIn(service, guess)).status);
    }
  }
  expect(statuses.filter((it) => it === 401)).toHaveLength(RATES.code.burst);
  expect(statuses.at(-1)).toBe(429);
  service.clock.now += 30_000;
  const otp = codeAt(secret, service.clock.now);
  const owner = { ...account, password: newPassword, otp, deviceToken: known };
  expect((await trySignIn(service, owner)).status).toBe(201);
});
