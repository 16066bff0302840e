import { expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { checkBilling, checkFeeds, checkGateway, checkLogs, settle } from "./checks.ts";
import { type Client, type Failure, createClient } from "./client.ts";
import { Id, type Acknowledged, customers } from "./customers.ts";
import { type Fault, injectFaults } from "./fault-injector.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { changeSettings, openApplication, pushLogs, readReports, watchSettings } from "./staff.ts";

/** To run longer, or with another seed: CHAOS_SECONDS=600 CHAOS_SEED=7 vitest run tests/chaos */
const SECONDS = Number(process.env["CHAOS_SECONDS"] ?? 30);
const SEED = Number(process.env["CHAOS_SEED"] ?? 20_261_124);
const CUSTOMERS = ["a", "bb", "ccc", "dddd"];

/** The effects of a fault may last this long. */
const KILLED_MS = 1_000;
const DOWN_MS = 10_000;

test(
  "five services under load stay consistent while workers, replica and primary are killed",
  async () => {
    report(`${SECONDS} s, seed ${SEED}`);
    await using installation = await startInstallation();
    const client = createClient(installation);
    const backoffice = { client, installation };
    const acknowledged = nothing();
    const shop = { client, installation, acknowledged, priceId: await openShop(backoffice) };
    await openApplication(backoffice);

    const ending = new AbortController();
    await using stack = new AsyncDisposableStack();
    const watchers = [watchSettings(backoffice), watchSettings(backoffice)];
    for (const watcher of watchers) stack.defer(() => watcher.stop());
    const options = { seed: SEED, ms: SECONDS * 1_000, signal: ending.signal };
    const injector = injectFaults(installation, options);
    stack.defer(() => injector.done);
    const load = Promise.all([
      changeSettings(backoffice, ending.signal),
      pushLogs(backoffice, ending.signal),
      readReports(backoffice, ending.signal),
      ...CUSTOMERS.map((name) => customers(shop, ending.signal, name)),
    ]);
    // The first error ends the run.
    await Promise.race([injector.done, load]).finally(() => ending.abort());
    const [settings, lines, reports] = await load;
    const counts = { settings, lines: lines.count, reports, journeys: acknowledged.journeys };
    report(JSON.stringify({ ...counts, ...summary(client, injector.faults) }));

    for (const service of SERVICE_NAMES) {
      await expect
        .poll(async () => (await fetch(`${installation.urls[service]}/readyz`)).status, {
          timeout: 30_000,
        })
        .toBe(200);
    }
    await settle(backoffice);
    expect(unexplained(client.failures, injector.faults)).toEqual([]);
    await checkBilling(backoffice, acknowledged);
    await checkGateway(backoffice);
    await checkFeeds(backoffice, acknowledged);
    await checkLogs(backoffice, lines);
    const counted = Array.from({ length: settings }, (_, place) => place + 1);
    for (const { values } of watchers) {
      await expect.poll(() => values.length, { timeout: 20_000 }).toBe(settings);
      expect(values).toEqual(counted);
    }
  },
  SECONDS * 1_000 + 240_000,
);

const nothing = (): Acknowledged => ({
  accounts: [],
  customers: [],
  subscriptions: new Map(),
  paidInvoices: [],
  refunds: [],
  disputes: [],
  journeys: 0,
});

/** Creates a plan; returns the id of its price. */
async function openShop({
  client,
  installation,
}: {
  client: Client;
  installation: Installation;
}): Promise<string> {
  const root = { service: "billing", as: installation.rootKey, status: 201 } as const;
  const plan = { ...root, request: "POST /v1/plans", body: { name: "Box" } };
  const { id: planId } = await client.ask(plan, Id);
  const price = { planId, currency: "EUR", unitAmount: 4_000, interval: "month" };
  const add = { ...root, request: "POST /v1/prices", body: price };
  return (await client.ask(add, Id)).id;
}

function summary(client: Client, faults: readonly Fault[]) {
  const kinds = Object.entries(Object.groupBy(faults, ({ kind }) => kind));
  const statuses = Object.entries(Object.groupBy(client.failures, ({ status }) => String(status)));
  return {
    answered: client.answered(),
    longestMs: Math.round(client.longestMs()),
    faults: Object.fromEntries(kinds.map(([kind, list]) => [kind, list.length])),
    failures: Object.fromEntries(statuses.map(([status, list]) => [status, list?.length])),
  };
}

const report = (text: string): void => void process.stderr.write(`chaos: ${text}\n`);

/** Failures that no fault explains; a graceful restart must not cause any. */
function unexplained(failures: readonly Failure[], faults: readonly Fault[]): Failure[] {
  return failures.filter((it) => {
    if (it.status !== 0 && (it.status !== 503 || !it.retryAfter)) return true;
    return !faults.some(
      ({ kind, service, fromMs, toMs }) =>
        (it.status === 0 &&
          kind === "kill a worker" &&
          service === it.service &&
          it.fromMs <= toMs + KILLED_MS &&
          it.toMs >= fromMs) ||
        (it.status === 503 &&
          kind === "kill the primary" &&
          it.fromMs <= toMs + DOWN_MS &&
          it.toMs >= fromMs),
    );
  });
}
