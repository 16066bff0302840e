import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { z } from "zod";

import { accounts } from "#api/accounts/service.ts";
import { signIn, signUp, testAccounts } from "#api/accounts/testing.ts";
import { billing } from "#api/billing/service.ts";
import type { Service } from "#api/kit/service.ts";
import { type TestService, testService } from "#api/kit/testing.ts";
import { logging } from "#api/logging/service.ts";
import { testLogging } from "#api/logging/testing.ts";
import { management } from "#api/management/service.ts";
import { reporting } from "#api/reporting/service.ts";

/** What the tests over all services have to know of each. */
export type Subject = {
  service: Service;
  start(): Promise<TestService>;
  /** Tables that a refused request may change, and why. */
  mayChange: Readonly<Record<string, string>>;
  /** Permissions that no rule of a route names, because a handler asks for them itself. */
  usedInside?: readonly string[];
  /** A token of an account that nobody knows, with these permissions. */
  account(running: TestService, scope: string): Promise<string>;
};

const signed = (running: TestService, scope: string): Promise<string> => running.token({ scope });

export const SUBJECTS: readonly Subject[] = [
  {
    service: accounts,
    start: testAccounts,
    mayChange: {
      audit: "every decision is written down, refusals too",
      throttle: "failed tries are counted",
      signing_keys: "the key that is due is made by whoever needs it first",
      sessions: "an old refresh token that comes again ends its session",
      oauth_sign_ins: "a code that comes again ends what came of it",
    },
    account: signedUp,
  },
  {
    service: billing,
    start: () => testService(billing),
    mayChange: { sandbox_cards: "the gateway keeps every card that it is shown, before we decide" },
    account: signed,
  },
  { service: management, start: () => testService(management), mayChange: {}, account: signed },
  { service: logging, start: testLogging, mayChange: {}, account: signed },
  { service: reporting, start: testReporting, mayChange: {}, account: signed },
];

const Granted = z.object({ id: z.string() });
/** What Accounts knows as the name of a permission; a product of its own may call others as it likes. */
const NAME = /^[a-z-]+:(?:\*|[a-z-]+:[a-z-]+(?:\/[a-z-]+)?)$/;

/** Accounts knows its own tokens alone: somebody signs up, is given what they should hold, and signs in. */
async function signedUp(running: TestService, scope: string): Promise<string> {
  const { id, email } = await signUp(running);
  const permissions = scope.split(" ").filter((it) => NAME.test(it));
  if (permissions.length > 0) {
    const body = { subjectId: id, permissions, reason: "to see what a holder may do" };
    const answer = await running.send("POST", "/v1/grants", { as: running.root, body });
    if (!Granted.safeParse(answer.json).success) throw new Error(`no grant: ${answer.text}`);
  }
  return (await signIn(running, { email })).accessToken;
}

/** Reporting with a lake of its own, and nobody there from whom it could read. */
async function testReporting(): Promise<TestService> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck reporting "));
  const nobody = "http://127.0.0.1:9";
  const env = { QUARTERDECK_DATA: folder, API_BILLING_URL: nobody, API_ACCOUNTS_URL: nobody };
  const service = await testService(reporting, { env });
  const stop = async (): Promise<void> => {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...service, stop, [Symbol.asyncDispose]: stop };
}
