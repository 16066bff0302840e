import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { z } from "zod";

import { type TestOptions, type TestService, testService } from "#api/kit/testing.ts";

import { accounts } from "./service.ts";

export const PASSWORD = "a long line of words";

export type TestAccounts = TestService & { databaseUrl: string; folder: string };

/** Accounts with a data folder of its own. */
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

export const tokensIn = (answer: { json: unknown }): Tokens => Tokens.parse(answer.json);

/** A new account. */
export async function signUp(
  service: TestService,
  of: { email?: string; password?: string } = {},
): Promise<z.infer<typeof Account> & { password: string }> {
  const { email = `${randomUUID()}@example.com`, password = PASSWORD } = of;
  const body = { email, password, name: "Ada" };
  const answer = await service.send("POST", "/v1/accounts", { body });
  return { ...Account.parse(answer.json), password };
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
