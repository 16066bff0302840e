import { expect, test } from "vitest";

import {
  PASSWORD,
  type TestAccounts,
  enrolTotp,
  linkTokens,
  mailsOf,
  requestReset,
  resetPassword,
  signIn,
  signUp,
  testAccounts,
  trySignIn,
  untilLockWait,
  verifyEmail,
} from "./testing.ts";

const NEW = "another line of words";
const CODE_STEP_MS = 30_000;

/** Requests a verification of another address, with the password. */
async function requestAddress(
  service: TestAccounts,
  of: { id: string; email: string },
  email: string,
) {
  const { accessToken: as } = await signIn(service, of);
  const path = `/v1/accounts/${of.id}/email-verifications`;
  const response = await service.send("POST", path, { as, body: { email, password: PASSWORD } });
  expect(response.status).toBe(202);
  return as;
}

const insertPasskey = (service: TestAccounts, accountId: string) =>
  service.database.query(
    `INSERT INTO passkeys (id, account_id, credential_id, public_key, counter, transports, name, synced, created_at)
     VALUES ('pky_1', $1, 'one', '', 0, '{}', 'a passkey', false, $2)`,
    [accountId, new Date(service.clock.now)],
  );

test("a password change invalidates a pending change of the address", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await requestAddress(service, account, "thief@example.com");
  const [pending] = await linkTokens(service, "verify", "thief@example.com");
  const { accessToken: as } = await signIn(service, account);
  const body = { password: PASSWORD, newPassword: NEW };
  const changed = await service.send("PUT", `/v1/accounts/${account.id}/password`, { as, body });
  expect(changed.status).toBe(204);
  expect((await verifyEmail(service, pending)).status).toBe(400);
  // The link for the current address remains valid.
  const [own] = await linkTokens(service, "verify", account.email);
  expect((await verifyEmail(service, own)).json).toMatchObject({ email: account.email });
});

test("reset links to the old address are invalid after the address was changed", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await requestReset(service, account.email);
  const [old] = await linkTokens(service, "reset", account.email);
  await requestAddress(service, account, "new@example.com");
  const [link] = await linkTokens(service, "verify", "new@example.com");
  expect((await verifyEmail(service, link)).status).toBe(200);
  expect((await resetPassword(service, { token: old, newPassword: NEW })).status).toBe(400);
});

test("a reset by the owner of an unverified address deletes the credentials of whoever signed up with it", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { code, confirm } = await enrolTotp(service, account);
  expect((await confirm({ code: code() })).status).toBe(201);
  await insertPasskey(service, account.id);
  await requestReset(service, account.email);
  const [link] = await linkTokens(service, "reset", account.email);
  expect((await resetPassword(service, { token: link, newPassword: NEW })).status).toBe(200);
  expect((await trySignIn(service, { email: account.email, password: NEW })).status).toBe(201);
  expect(await service.database.query("SELECT 1 FROM passkeys")).toEqual([]);
  expect(await service.database.query("SELECT 1 FROM recovery_codes")).toEqual([]);
});

test("a password reset keeps the second factor of a verified account", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const [own] = await linkTokens(service, "verify", account.email);
  await verifyEmail(service, own);
  const { code, confirm } = await enrolTotp(service, account);
  await confirm({ code: code() });
  await requestReset(service, account.email);
  const [link] = await linkTokens(service, "reset", account.email);
  expect((await resetPassword(service, { token: link, newPassword: NEW })).status).toBe(200);
  const again = { email: account.email, password: NEW };
  expect((await trySignIn(service, again)).json).toMatchObject({
    errors: [{ code: "second_factor_required" }],
  });
  service.clock.now += CODE_STEP_MS;
  expect((await trySignIn(service, { ...again, otp: code() })).status).toBe(201);
});

test("a concurrent sign-in with the old password starts no session after a password change", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  let signingIn: ReturnType<typeof trySignIn> | undefined;
  await service.database.transaction(async (tx) => {
    await tx.query("SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE", [account.id]);
    signingIn = trySignIn(service, account);
    await untilLockWait(service.database);
    await tx.query("UPDATE accounts SET password_hash = 'another' WHERE id = $1", [account.id]);
  });
  expect((await signingIn)?.status).toBe(401);
});

test("a password reset applies the password policy", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await requestReset(service, account.email);
  const [link] = await linkTokens(service, "reset", account.email);
  expect(
    (await resetPassword(service, { token: link, newPassword: account.email })).json,
  ).toMatchObject({
    errors: [{ code: "weak_password" }],
  });
  expect(
    (await resetPassword(service, { token: link, newPassword: "Password1234567" })).json,
  ).toMatchObject({ errors: [{ code: "weak_password" }] });
  expect((await resetPassword(service, { token: link, newPassword: NEW })).status).toBe(200);
});

test("closing an account deletes its credentials and grants", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await insertPasskey(service, account.id);
  const grant = { subjectId: account.id, role: "support", reason: "test" };
  await service.send("POST", "/v1/grants", { as: service.root, body: grant });
  const closed = await service.send("POST", `/v1/accounts/${account.id}/close`, {
    as: service.root,
    body: {},
    headers: { "if-match": "*" },
  });
  expect(closed.status).toBe(204);
  expect(await service.database.query("SELECT 1 FROM passkeys")).toEqual([]);
  expect(await service.database.query("SELECT 1 FROM grants")).toEqual([]);
});

test("changes of password and address are reported to the verified address only", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const subjects = async (email: string) => {
    await service.runJobs();
    return (await mailsOf(service.folder))
      .filter((it) => it.token === "" && it.raw.includes(`To: ${email}`))
      .map((it) => /^Subject: (.*)$/m.exec(it.raw)?.[1]?.trim() ?? "")
      .toSorted((one, other) => one.localeCompare(other));
  };
  const changePassword = async (password: string, newPassword: string) => {
    const { accessToken: as } = await signIn(service, { email: account.email, password });
    const path = `/v1/accounts/${account.id}/password`;
    const changed = await service.send("PUT", path, { as, body: { password, newPassword } });
    expect(changed.status).toBe(204);
  };
  // An unverified address may belong to anybody.
  await changePassword(PASSWORD, NEW);
  expect(await subjects(account.email)).toEqual([]);
  const [own] = await linkTokens(service, "verify", account.email);
  await verifyEmail(service, own);
  await changePassword(NEW, PASSWORD);
  await requestAddress(service, account, "new@example.com");
  const [link] = await linkTokens(service, "verify", "new@example.com");
  await verifyEmail(service, link);
  expect(await subjects(account.email)).toEqual([
    "Your account has a new e-mail address",
    "Your password was changed",
  ]);
});
