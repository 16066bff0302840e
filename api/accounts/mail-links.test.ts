import type { AddressInfo } from "node:net";

import { SMTPServer } from "smtp-server";
import { expect, test, vi } from "vitest";

import { RATES } from "./domain/throttle.ts";
import { PASSWORD, mailsOf, signIn, signUp, testAccounts, tokenIn, trySignIn } from "./testing.ts";

const NEW = "another line of words";

test("the link of the first mail confirms the address, once", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  expect(mail?.raw).toContain(account.email);
  const confirm = () =>
    service.send("POST", "/v1/email-verifications", { body: { token: mail?.token } });
  expect((await confirm()).json).toMatchObject({ id: account.id, emailVerified: true });
  const again = await confirm();
  expect(again.status).toBe(400);
  expect(again.json).toMatchObject({ errors: [{ path: "body.token" }] });
});

test("neither the queue nor the table holds what is in the link", async () => {
  await using service = await testAccounts();
  await signUp(service);
  const kept = JSON.stringify([
    await service.database.query("SELECT * FROM jobs"),
    await service.database.query("SELECT * FROM mail_tokens"),
  ]);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  expect(mail?.token.length).toBeGreaterThan(40);
  expect(kept).not.toContain(mail?.token);
});

test("a new password is set by the newest link, ends every session, and makes a known device", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { accessToken } = await signIn(service, account);
  const ask = (email: string) => service.send("POST", "/v1/password-resets", { body: { email } });
  const answers = [await ask(account.email), await ask("nobody@example.com")];
  expect(answers.map((it) => it.status)).toEqual([202, 202]);
  expect(answers[0]?.text).toBe(answers[1]?.text);
  await service.runJobs();
  const resets = (await mailsOf(service.folder)).filter((it) => it.token.startsWith("qdp_"));
  expect(resets).toHaveLength(1);
  const token = resets[0]?.token;
  // An attack at the same time: the owner's new device gets in all the same.
  for (let tries = 0; tries <= RATES.pair.burst; tries += 1)
    await trySignIn(service, { ...account, password: "wrong" });
  const reset = () =>
    service.send("POST", "/v1/password-resets/confirm", { body: { token, newPassword: NEW } });
  const answer = await reset();
  expect(answer.status).toBe(200);
  const { deviceToken } = Object(answer.json);
  expect((await reset()).status).toBe(400);
  await vi.waitFor(async () =>
    expect((await service.send("GET", "/v1/session", { as: accessToken })).status).toBe(401),
  );
  const again = { email: account.email, password: NEW };
  expect((await trySignIn(service, again)).status).toBe(429);
  expect((await trySignIn(service, { ...again, deviceToken })).status).toBe(201);
});

test("a link of one kind is none of the other, and an old one is none at all", async () => {
  await using service = await testAccounts();
  await signUp(service);
  await service.runJobs();
  const [mail] = await mailsOf(service.folder);
  const { token = "" } = mail ?? {};
  const confirm = (of: string) =>
    service.send("POST", "/v1/password-resets/confirm", { body: { token: of, newPassword: NEW } });
  expect((await confirm(token)).status).toBe(400);
  expect((await confirm(`qdp_${token.slice(4)}`)).status).toBe(400);
  service.clock.now += 49 * 3_600_000;
  const late = await service.send("POST", "/v1/email-verifications", { body: { token } });
  expect(late.status).toBe(400);
});

test("an address is changed by whoever reads its mails, and not to one that is taken", async () => {
  await using service = await testAccounts();
  const [account, other] = [await signUp(service), await signUp(service)];
  const { accessToken: as } = await signIn(service, account);
  const path = `/v1/accounts/${account.id}/email-verifications`;
  const ask = (email: string, password: string) =>
    service.send("POST", path, { as, body: { email, password } });
  expect((await ask("new@example.com", "wrong")).status).toBe(403);
  expect((await ask("new@example.com", PASSWORD)).status).toBe(202);
  expect((await ask(other.email, PASSWORD)).status).toBe(202);
  await service.runJobs();
  const mails = await mailsOf(service.folder);
  const tokenTo = (email: string, from = 0) =>
    mails.filter((it) => it.raw.includes(`To: ${email}`)).at(from)?.token;
  const confirm = (token: string | undefined) =>
    service.send("POST", "/v1/email-verifications", { body: { token } });
  const found = mails.filter((it) => it.raw.includes(`To: ${other.email}`)).map((it) => it.token);
  const statuses = [];
  for (const token of found) statuses.push((await confirm(token)).status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409]);
  expect((await confirm(tokenTo("new@example.com"))).json).toMatchObject({
    email: "new@example.com",
    emailVerified: true,
  });
});

test("nobody is flooded with mails", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  const ask = () => service.send("POST", "/v1/password-resets", { body: { email } });
  const statuses = [];
  for (let times = 0; times < 5; times += 1) statuses.push((await ask()).status);
  expect(statuses).toEqual([202, 202, 202, 429, 429]);
});

test("nobody's mailbox is flooded by signing up and closing again and again", async () => {
  await using service = await testAccounts();
  const email = "victim@example.com";
  for (let times = 0; times < RATES.mailbox.burst + 2; times += 1) {
    const { id } = await signUp(service, { email });
    const closing = { as: service.root, body: {}, headers: { "if-match": "*" } };
    expect((await service.send("POST", `/v1/accounts/${id}/close`, closing)).status).toBe(204);
  }
  const promised = await service.database.query("SELECT 1 FROM jobs WHERE kind = 'mail.link'");
  expect(promised).toHaveLength(RATES.mailbox.burst);
});

test("a mail that the server could not take at first arrives in the end, once", async () => {
  let isBusy = true;
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onMailFrom(_address, _session, done) {
      if (isBusy) done(Object.assign(new Error("come again"), { responseCode: 421 }));
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

test("the links of mails lead to pages that are there, and that send nothing by themselves", async () => {
  await using service = await testAccounts();
  const { email } = await signUp(service);
  await service.send("POST", "/v1/password-resets", { body: { email } });
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

test("a reset that was asked for nobody makes the same work as for somebody, and mails nothing", async () => {
  await using service = await testAccounts();
  const body = { email: "nobody@example.com" };
  await service.send("POST", "/v1/password-resets", { body });
  const waiting = () => service.database.query("SELECT payload FROM jobs WHERE kind = 'mail.link'");
  expect(await waiting()).toHaveLength(1);
  await service.runJobs();
  expect(await waiting()).toEqual([]);
  expect(await mailsOf(service.folder)).toEqual([]);
});
