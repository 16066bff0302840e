import type { AddressInfo } from "node:net";

import { SMTPServer } from "smtp-server";
import { expect, test, vi } from "vitest";

import { RATES } from "./domain/throttle.ts";
import {
  PASSWORD,
  linkTokens,
  mailsOf,
  requestReset,
  resetPassword,
  signIn,
  signUp,
  testAccounts,
  tokenIn,
  tokenStatus,
  trySignIn,
  verifyEmail,
} from "./testing.ts";

const NEW = "another line of words";

test("the link of the sign-up mail verifies the address, once", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  expect(mail?.raw).toContain(account.email);
  const confirm = () => verifyEmail(service, mail?.token);
  expect((await confirm()).json).toMatchObject({ id: account.id, emailVerified: true });
  const again = await confirm();
  expect(again.status).toBe(400);
  expect(again.json).toMatchObject({ errors: [{ path: "body.token" }] });
});

test("neither jobs nor tables contain the token of a link", async () => {
  await using service = await testAccounts();
  await signUp(service);
  const rows = JSON.stringify([
    await service.database.query("SELECT * FROM jobs"),
    await service.database.query("SELECT * FROM mail_tokens"),
  ]);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  expect(mail?.token.length).toBeGreaterThan(40);
  expect(rows).not.toContain(mail?.token);
});

test("a password reset ends all sessions, does not reveal accounts, and makes the device a known one", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { accessToken } = await signIn(service, account);
  const responses = [
    await requestReset(service, account.email),
    await requestReset(service, "nobody@example.com"),
  ];
  expect(responses.map((it) => it.status)).toEqual([202, 202]);
  expect(responses[0]?.text).toBe(responses[1]?.text);
  const [token, ...others] = await linkTokens(service, "reset");
  expect(others).toEqual([]);
  // Concurrent guesses do not affect the owner's new device.
  for (let tries = 0; tries <= RATES.pair.burst; tries += 1)
    await trySignIn(service, { ...account, password: "wrong" });
  const reset = () => resetPassword(service, { token, newPassword: NEW });
  const response = await reset();
  expect(response.status).toBe(200);
  const { deviceToken } = Object(response.json);
  expect((await reset()).status).toBe(400);
  await vi.waitFor(async () => expect(await tokenStatus(service, accessToken)).toBe(401), {
    timeout: 20_000,
  });
  const again = { email: account.email, password: NEW };
  expect((await trySignIn(service, again)).status).toBe(429);
  expect((await trySignIn(service, { ...again, deviceToken })).status).toBe(201);
});

test("links are valid for their purpose only, until they expire", async () => {
  await using service = await testAccounts();
  await signUp(service);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  const { token = "" } = mail ?? {};
  for (const wrong of [token, `qdp_${token.slice(4)}`]) {
    const response = await resetPassword(service, { token: wrong, newPassword: NEW });
    expect(response.status).toBe(400);
  }
  service.clock.now += 49 * 3_600_000;
  expect((await verifyEmail(service, token)).status).toBe(400);
});

test("changing the address requires the password and the mailed link, and a free address", async () => {
  await using service = await testAccounts();
  const [account, other] = [await signUp(service), await signUp(service)];
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/email-verifications`;
  const ask = (email: string, password: string) =>
    service.send("POST", path, { as, body: { email, password } });
  expect((await ask("new@example.com", "wrong")).status).toBe(403);
  expect((await ask("new@example.com", PASSWORD)).status).toBe(202);
  expect((await ask(other.email, PASSWORD)).status).toBe(202);
  const [newToken] = await linkTokens(service, "verify", "new@example.com");
  const statuses = [];
  for (const token of await linkTokens(service, "verify", other.email))
    statuses.push((await verifyEmail(service, token)).status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409]);
  expect((await verifyEmail(service, newToken)).json).toMatchObject({
    email: "new@example.com",
    emailVerified: true,
  });
});

test("mails to an address are limited", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  const statuses = [];
  for (let times = 0; times < 5; times += 1)
    statuses.push((await requestReset(service, email)).status);
  expect(statuses).toEqual([202, 202, 202, 429, 429]);
});

test("repeated sign-ups and closings do not exceed the limit of mails", async () => {
  await using service = await testAccounts();
  const email = "victim@example.com";
  for (let times = 0; times < RATES.mailbox.burst + 2; times += 1) {
    const { id } = await signUp(service, { email });
    const closing = { as: service.root, body: {}, headers: { "if-match": "*" } };
    expect((await service.send("POST", `/v1/accounts/${id}/close`, closing)).status).toBe(204);
  }
  const jobs = await service.database.query("SELECT 1 FROM jobs WHERE kind = 'mail.link'");
  expect(jobs).toHaveLength(RATES.mailbox.burst);
});

test("a mail is retried after a temporary refusal, and delivered once", async () => {
  let isBusy = true;
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onMailFrom(_address, _session, done) {
      if (isBusy) done(Object.assign(new Error("try again later"), { responseCode: 421 }));
      else done();
    },
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => done(void mails.push(Buffer.concat(chunks).toString())));
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.server.address() as AddressInfo;
  try {
    await using service = await testAccounts({ env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
    await signUp(service);
    await service.runJobs();
    expect(mails).toEqual([]);
    isBusy = false;
    service.clock.now += 60_000;
    await service.runJobs();
    expect(mails.map(tokenIn)).toEqual([expect.stringMatching(/^qdv_/)]);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

test("the links of mails lead to existing pages, which send nothing before a click", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  await requestReset(service, email);
  await service.runJobs();
  const links = (await mailsOf(service.folder)).map(
    ({ raw }) => /http:\S+?(\/[\w-]+)#/.exec(raw.replaceAll(/=\r?\n/g, ""))?.[1] ?? "",
  );
  expect(links.toSorted()).toEqual(["/reset-password", "/verify-email"]);
  for (const link of links) {
    const page = await service.send("GET", link);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const to = /data-to="([^"]+)"/.exec(page.text)?.[1] ?? "";
    expect((await service.send("POST", to, { body: {} })).status).toBe(400);
  }
});

test("a reset for an unknown address does the same work, and sends no mail", async () => {
  await using service = await testAccounts();
  await requestReset(service, "nobody@example.com");
  const queued = () => service.database.query("SELECT payload FROM jobs WHERE kind = 'mail.link'");
  expect(await queued()).toHaveLength(1);
  await service.runJobs();
  expect(await queued()).toEqual([]);
  expect(await mailsOf(service.folder)).toEqual([]);
});
