import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { Secret, TOTP } from "otpauth";
import { expect } from "vitest";
import { z } from "zod";

import { type TestOptions, type TestService, testService } from "#api/kit/testing.ts";
import type { Database } from "#platform/postgres/database.ts";

import { LINK_KIND } from "./domain/mail-link.ts";
import { accounts } from "./service.ts";

export const PASSWORD = "a long line of words";

export type TestAccounts = TestService & { databaseUrl: string; folder: string };

/** Accounts with its own data folder. */
export async function testAccounts(options: TestOptions = {}): Promise<TestAccounts> {
  const folder = await mkdtemp(path.join(tmpdir(), "accounts-"));
  const env = { QUARTERDECK_DATA: folder, ...options.env };
  const service = await testService(accounts, { ...options, env });
  const stop = async (): Promise<void> => {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...service, folder, stop, [Symbol.asyncDispose]: stop };
}

const Account = z.object({ id: z.string(), email: z.string(), version: z.number() });
const Tokens = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  deviceToken: z.string().nullable(),
  session: z.object({ id: z.string() }),
});
export type Tokens = z.infer<typeof Tokens>;

export const tokensIn = (response: { json: unknown }): Tokens => Tokens.parse(response.json);

export async function signUp(
  service: TestService,
  of: { email?: string; password?: string } = {},
): Promise<z.infer<typeof Account> & { password: string }> {
  const { email = `${randomUUID()}@example.com`, password = PASSWORD } = of;
  const body = { email, password, name: "Ada" };
  const response = await service.send("POST", "/v1/accounts", { body });
  return { ...Account.parse(response.json), password };
}

export type SignInBody = {
  email: string;
  password?: string;
  otp?: string;
  deviceToken?: string | null;
};

export const trySignIn = (service: TestService, body: SignInBody) => {
  const { email, password = PASSWORD, otp, deviceToken } = body;
  return service.send("POST", "/v1/sessions", {
    body: { email, password, otp, deviceToken: deviceToken ?? undefined },
  });
};

export const signIn = async (service: TestService, body: SignInBody): Promise<Tokens> =>
  tokensIn(await trySignIn(service, body));

/** The status of a request with an access token. */
export const tokenStatus = async (service: TestService, as: string): Promise<number> =>
  (await service.send("GET", "/v1/session", { as })).status;

/** Enrols an authenticator app, which generates the current code. */
export async function enrolTotp(service: TestService, account: SignInBody & { id: string }) {
  const { password = PASSWORD } = account;
  const { accessToken: as } = await signIn(service, account);
  const url = `/v1/accounts/${account.id}/authenticator`;
  const enrolment = await service.send("POST", url, { as, body: { password } });
  const { secret, uri } = Object(enrolment.json);
  const totp = new TOTP({ secret: Secret.fromBase32(String(secret)) });
  const code = (): string => totp.generate({ timestamp: service.clock.now });
  const confirm = (body: { code: string }) => service.send("POST", `${url}/confirm`, { as, body });
  return { as, url, uri: String(uri), code, confirm };
}

/** Waits until a transaction waits for a lock. */
export const untilLockWait = (database: Database): Promise<void> =>
  expect
    .poll(() =>
      database.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      ),
    )
    .toHaveLength(1);

export const verifyEmail = (service: TestService, token: string | undefined) =>
  service.send("POST", "/v1/email-verifications", { body: { token } });

export const requestReset = (service: TestService, email: string) =>
  service.send("POST", "/v1/password-resets", { body: { email } });

export const resetPassword = (
  service: TestService,
  body: { token: string | undefined; newPassword: string },
) => service.send("POST", "/v1/password-resets/confirm", { body });

/** Sends the mails that are due. @returns the tokens of all links to verify an address or reset a password */
export async function linkTokens(
  service: TestAccounts,
  purpose: "verify" | "reset",
  to = "",
): Promise<string[]> {
  await service.runJobs();
  return (await mailsOf(service.folder))
    .filter(({ raw, token }) => raw.includes(`To: ${to}`) && token.startsWith(LINK_KIND[purpose]))
    .map((it) => it.token);
}

/** Mails in the folder of the file mailer, decoded enough for plain text. */
export async function mailsOf(folder: string): Promise<{ raw: string; token: string }[]> {
  const box = path.join(folder, "api", "mail");
  const names = await readdir(box).catch((): string[] => []);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const raw = await readFile(path.join(box, name), "utf8");
      return { raw, token: tokenIn(raw) };
    }),
  );
}

/** The token of a mail's link, over soft line breaks of quoted-printable. */
export const tokenIn = (raw: string): string =>
  /#token=([\w-]+)/.exec(raw.replaceAll(/=\r?\n/g, "").replaceAll("=3D", "="))?.[1] ?? "";
