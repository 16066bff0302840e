import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { z } from "zod";

import { accounts } from "#api/accounts/service.ts";
import { signIn, signUp, testAccounts, trySignIn } from "#api/accounts/testing.ts";
import { billing } from "#api/billing/service.ts";
import type { Service } from "#api/kit/service.ts";
import { type TestService, testService } from "#api/kit/testing.ts";
import { testLogging } from "#api/logging/testing.ts";
import { management } from "#api/management/service.ts";
import { newId } from "#platform/ids.ts";
import { logging } from "#server/apis/logging.ts";
import { reporting } from "#server/apis/reporting.ts";

import { type RunningControlPlane, startControlPlaneApi } from "./control-plane.ts";
import type { RunningApi } from "./fuzz.ts";

/** Properties of an API for the tests over all APIs. */
type ApiSubject<Running extends RunningApi> = {
  name: string;
  /** The database schema of its tables. */
  schema: string;
  start(): Promise<Running>;
  /** Tables that a rejected request may change, with the reason. */
  mayChange: Readonly<Record<string, string>>;
  /** Creates resources that random requests cannot create, because they depend on each other; resolves with all responses. */
  prepare?(running: Running): Promise<unknown>;
};

/** One of the five services. */
export type Subject = ApiSubject<TestService> & {
  service: Service;
  /** A token of a new account with these permissions. */
  account(running: TestService, scope: string): Promise<string>;
};

const issued = (running: TestService, scope: string): Promise<string> => running.token({ scope });

const subjectOf = (
  service: Service,
  given: Partial<Omit<Subject, "service" | "name" | "schema">> = {},
): Subject => ({
  service,
  name: service.name,
  schema: service.name,
  start: () => testService(service),
  mayChange: {},
  account: issued,
  ...given,
});

export const SUBJECTS: readonly Subject[] = [
  subjectOf(accounts, {
    start: testAccounts,
    mayChange: {
      audit: "every decision is recorded, also rejections",
      throttle: "failed attempts are counted",
      signing_keys: "the first request that needs a new key creates it",
      sessions: "a refresh token that is used again ends its session",
      oauth_sign_ins: "a code that is used again ends its session",
    },
    prepare: startSessions,
    account: signedUp,
  }),
  subjectOf(billing, {
    mayChange: { sandbox_cards: "the gateway stores every card before it is charged" },
    prepare: createPayingCustomer,
  }),
  subjectOf(management),
  subjectOf(logging, { start: testLogging }),
  subjectOf(reporting, { start: testReporting }),
];

export const CONTROL_PLANE: ApiSubject<RunningControlPlane> = {
  name: "control-plane",
  schema: "public",
  start: startControlPlaneApi,
  mayChange: {
    audit: "every decision is recorded, also rejections",
    sessions: "the test restarts the owner's session before each request",
  },
};

export const APIS: readonly ApiSubject<RunningApi>[] = [...SUBJECTS, CONTROL_PLANE];

const Created = z.object({ id: z.string() });
/** The names of permissions that Accounts can grant. */
const NAME = /^[a-z-]+:(?:\*|[a-z-]+:[a-z-]+(?:\/[a-z-]+)?)$/;

/** Accounts accepts only its own tokens: a new account is granted the permissions and signs in. */
async function signedUp(running: TestService, scope: string): Promise<string> {
  const { id, email } = await signUp(running);
  const permissions = scope.split(" ").filter((it) => NAME.test(it));
  if (permissions.length > 0) {
    const body = { subjectId: id, permissions, reason: "to test the permissions" };
    const response = await running.send("POST", "/v1/grants", { as: running.root, body });
    if (!Created.safeParse(response.json).success) throw new Error(`no grant: ${response.text}`);
  }
  return (await signIn(running, { email })).accessToken;
}

/** Starts more sessions than random requests will end. */
async function startSessions(running: TestService): Promise<unknown> {
  const { email } = await signUp(running);
  const tries = Array.from({ length: 10 }, () => trySignIn(running, { email }));
  return (await Promise.all(tries)).map(({ json }) => json);
}

/** Creates a customer who has subscribed and paid. */
async function createPayingCustomer(running: TestService): Promise<unknown> {
  const responses: unknown[] = [];
  const post = async (url: string, body: unknown): Promise<string> => {
    const headers = { "idempotency-key": randomUUID() };
    const response = await running.send("POST", url, { as: running.root, body, headers });
    const created = Created.safeParse(response.json);
    if (!created.success) throw new Error(`${url}: ${response.text}`);
    responses.push(response.json);
    return created.data.id;
  };
  const customerId = await post("/v1/customers", {
    accountId: newId("acc"),
    name: "Ada",
    email: "ada@example.com",
    country: "DE",
    currency: "EUR",
  });
  const planId = await post("/v1/plans", { name: "Basic" });
  const money = { currency: "EUR", unitAmount: 1_000 };
  const priceId = await post("/v1/prices", { planId, ...money, interval: "month" });
  const card = { number: "4242424242424242", expMonth: 12, expYear: 2090, cvc: "123" };
  await post(`/v1/customers/${customerId}/payment-methods`, { card });
  await post("/v1/subscriptions", { customerId, priceId });
  const lines = [{ description: "Work", quantity: 1, unitAmount: 1_000 }];
  const invoiceId = await post("/v1/invoices", { customerId, lines, finalize: true });
  const paymentId = await post(`/v1/invoices/${invoiceId}/pay`, {});
  await running.runJobs();
  await post("/v1/refunds", { paymentId, amount: 1, reason: "requested_by_customer" });
  await running.runJobs();
  return responses;
}

/** Reporting with its own warehouse, without services to read from. */
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
