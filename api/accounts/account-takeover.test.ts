import { Secret, TOTP } from "otpauth";
import { expect, test } from "vitest";

import {
  PASSWORD,
  type TestAccounts,
  mailsOf,
  signIn,
  signUp,
  testAccounts,
  trySignIn,
} from "./testing.ts";

const NEW = "another line of words";
const CODE_STEP_MS = 30_000;

/** Tokens of the links that were mailed to an address, of one kind. */
async function linksTo(
  service: TestAccounts,
  email: string,
  kind: "qdv" | "qdp",
): Promise<string[]> {
  await service.runJobs();
  return (await mailsOf(service.folder))
    .filter((it) => it.raw.includes(`To: ${email}`) && it.token.startsWith(`${kind}_`))
    .map((it) => it.token);
}

const verify = (service: TestAccounts, token: string | undefined) =>
  service.send("POST", "/v1/email-verifications", { body: { token } });
const askReset = (service: TestAccounts, email: string) =>
  service.send("POST", "/v1/password-resets", { body: { email } });
const reset = (service: TestAccounts, token: string | undefined, newPassword = NEW) =>
  service.send("POST", "/v1/password-resets/confirm", { body: { token, newPassword } });

/** Asks for another address, by somebody who has the password. */
async function askChange(service: TestAccounts, of: { id: string; email: string }, email: string) {
  const { accessToken: as } = await signIn(service, of);
  const path = `/v1/accounts/${of.id}/email-verifications`;
  const asked = await service.send("POST", path, { as, body: { email, password: PASSWORD } });
  expect(asked.status).toBe(202);
  return as;
}

test("a new password voids a change of address that somebody else had asked for", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await askChange(service, account, "thief@example.com");
  const [theirs] = await linksTo(service, "thief@example.com", "qdv");
  const { accessToken: as } = await signIn(service, account);
  const body = { password: PASSWORD, newPassword: NEW };
  const changed = await service.send("PUT", `/v1/accounts/${account.id}/password`, { as, body });
  expect(changed.status).toBe(204);
  expect((await verify(service, theirs)).status).toBe(400);
  // What confirms the owner's own address is still good.
  const [own] = await linksTo(service, account.email, "qdv");
  expect((await verify(service, own)).json).toMatchObject({ email: account.email });
});

test("whoever has the old mailbox alone sets no password after the address has changed", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await askReset(service, account.email);
  const [old] = await linksTo(service, account.email, "qdp");
  await askChange(service, account, "new@example.com");
  const [link] = await linksTo(service, "new@example.com", "qdv");
  expect((await verify(service, link)).status).toBe(200);
  expect((await reset(service, old)).status).toBe(400);
});

test("who signs up with an address of somebody else keeps no way in once its owner sets a password", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrol = await service.send("POST", path, { as, body: { password: PASSWORD } });
  const code = new TOTP({ secret: Secret.fromBase32(String(Object(enrol.json).secret)) });
  const confirm = { code: code.generate({ timestamp: service.clock.now }) };
  expect((await service.send("POST", `${path}/confirm`, { as, body: confirm })).status).toBe(201);
  await service.database.query(
    `INSERT INTO passkeys (id, account_id, credential_id, public_key, counter, transports, name, synced, created_at)
     VALUES ('pky_1', $1, 'one', '', 0, '{}', 'theirs', false, $2)`,
    [account.id, new Date(service.clock.now)],
  );
  await askReset(service, account.email);
  const [link] = await linksTo(service, account.email, "qdp");
  expect((await reset(service, link)).status).toBe(200);
  expect((await trySignIn(service, { email: account.email, password: NEW })).status).toBe(201);
  expect(await service.database.query("SELECT 1 FROM passkeys")).toEqual([]);
  expect(await service.database.query("SELECT 1 FROM recovery_codes")).toEqual([]);
});

test("the second factor of an address that was verified stays through a new password", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const [own] = await linksTo(service, account.email, "qdv");
  await verify(service, own);
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/authenticator`;
  const enrol = await service.send("POST", path, { as, body: { password: PASSWORD } });
  const totp = new TOTP({ secret: Secret.fromBase32(String(Object(enrol.json).secret)) });
  const codeNow = () => totp.generate({ timestamp: service.clock.now });
  await service.send("POST", `${path}/confirm`, { as, body: { code: codeNow() } });
  await askReset(service, account.email);
  const [link] = await linksTo(service, account.email, "qdp");
  expect((await reset(service, link)).status).toBe(200);
  const again = { email: account.email, password: NEW };
  expect((await trySignIn(service, again)).json).toMatchObject({
    errors: [{ code: "second_factor_required" }],
  });
  service.clock.now += CODE_STEP_MS;
  expect((await trySignIn(service, { ...again, otp: codeNow() })).status).toBe(201);
});

test("a sign-in that is under way with the old password starts no session after the new one is set", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  let late: ReturnType<typeof trySignIn> | undefined;
  await service.database.transaction(async (tx) => {
    await tx.query("SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE", [account.id]);
    late = trySignIn(service, account);
    await expect
      .poll(() =>
        service.database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ),
      )
      .toHaveLength(1);
    await tx.query("UPDATE accounts SET password_hash = 'another' WHERE id = $1", [account.id]);
  });
  expect((await late)?.status).toBe(401);
});

test("a password that is set by a link is not the address or the name", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await askReset(service, account.email);
  const [link] = await linksTo(service, account.email, "qdp");
  expect((await reset(service, link, account.email)).json).toMatchObject({
    errors: [{ code: "weak_password" }],
  });
  expect((await reset(service, link)).status).toBe(200);
});

test("of a closed account nothing is left that could sign in or may do anything", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await service.database.query(
    `INSERT INTO passkeys (id, account_id, credential_id, public_key, counter, transports, name, synced, created_at)
     VALUES ('pky_1', $1, 'one', '', 0, '{}', 'mine', false, $2)`,
    [account.id, new Date(service.clock.now)],
  );
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

test("the owner is told, at the address that is proven, of what a thief would do", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const subjects = async (email: string) => {
    await service.runJobs();
    return (await mailsOf(service.folder))
      .filter((it) => it.token === "" && it.raw.includes(`To: ${email}`))
      .map((it) => /^Subject: (.*)$/m.exec(it.raw)?.[1]?.trim() ?? "")
      .toSorted((one, other) => one.localeCompare(other));
  };
  const setPassword = async (password: string, newPassword: string) => {
    const { accessToken: as } = await signIn(service, { email: account.email, password });
    const path = `/v1/accounts/${account.id}/password`;
    const changed = await service.send("PUT", path, { as, body: { password, newPassword } });
    expect(changed.status).toBe(204);
  };
  // An address that nobody has proven may be anybody's.
  await setPassword(PASSWORD, NEW);
  expect(await subjects(account.email)).toEqual([]);
  const [own] = await linksTo(service, account.email, "qdv");
  await verify(service, own);
  await setPassword(NEW, PASSWORD);
  await askChange(service, account, "new@example.com");
  const [link] = await linksTo(service, "new@example.com", "qdv");
  await verify(service, link);
  expect(await subjects(account.email)).toEqual([
    "Your account has a new e-mail address",
    "Your password was changed",
  ]);
});
