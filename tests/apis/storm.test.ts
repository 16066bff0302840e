import { expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { checkBooks, checkFeeds, checkGateway, checkLogs, quiet } from "./storm-books.ts";
import { type Client, type Trouble, stormClient } from "./storm-client.ts";
import { Id, type Promised, customers } from "./storm-customers.ts";
import { type Site, startSite } from "./storm-site.ts";
import {
  changeSettings,
  openApplication,
  pushLogs,
  readReports,
  watchSettings,
} from "./storm-staff.ts";
import { type Strike, startWeather } from "./storm-weather.ts";

/** Longer, and with another seed, by hand: STORM_SECONDS=600 STORM_SEED=7 vitest run tests/apis/storm.test.ts */
const SECONDS = Number(process.env["STORM_SECONDS"] ?? 30);
const SEED = Number(process.env["STORM_SEED"] ?? 20_261_124);
const CUSTOMERS = ["a", "bb", "ccc", "dddd"];

/** How long after a blow its effects may still be felt. */
const KILLED_MS = 1_000;
const AWAY_MS = 10_000;

test(
  "five services under load keep every promise while workers, replica and primary die",
  async () => {
    tell(`${SECONDS} s, seed ${SEED}`);
    await using site = await startSite();
    const client = stormClient(site);
    const office = { client, site };
    const promised = nothingYet();
    const shop = { client, site, promised, priceId: await openShop(office) };
    await openApplication(office);

    const ending = new AbortController();
    await using stack = new AsyncDisposableStack();
    const watchers = [watchSettings(office), watchSettings(office)];
    for (const watcher of watchers) stack.defer(() => watcher.stop());
    const forecast = { seed: SEED, ms: SECONDS * 1_000, signal: ending.signal };
    const weather = startWeather(site, forecast);
    stack.defer(() => weather.over);
    const load = Promise.all([
      changeSettings(office, ending.signal),
      pushLogs(office, ending.signal),
      readReports(office, ending.signal),
      ...CUSTOMERS.map((name) => customers(shop, ending.signal, name)),
    ]);
    // Whoever finds something wrong ends it all at once.
    await Promise.race([weather.over, load]).finally(() => ending.abort());
    const [settings, lines, reports] = await load;
    const counts = { settings, lines: lines.count, reports, journeys: promised.journeys };
    tell(JSON.stringify({ ...counts, ...summary(client, weather.strikes) }));

    for (const service of SERVICE_NAMES) {
      await expect
        .poll(async () => (await fetch(`${site.urls[service]}/readyz`)).status, { timeout: 30_000 })
        .toBe(200);
    }
    await quiet(office);
    expect(unexplained(client.troubles, weather.strikes)).toEqual([]);
    await checkBooks(office, promised);
    await checkGateway(office);
    await checkFeeds(office, promised);
    await checkLogs(office, lines);
    const counted = Array.from({ length: settings }, (_, place) => place + 1);
    for (const { values } of watchers) {
      await expect.poll(() => values.length, { timeout: 20_000 }).toBe(settings);
      expect(values).toEqual(counted);
    }
  },
  SECONDS * 1_000 + 240_000,
);

const nothingYet = (): Promised => ({
  accounts: [],
  customers: [],
  subscriptions: new Map(),
  paidInvoices: [],
  refunds: [],
  disputes: [],
  journeys: 0,
});

/** Something to sell; returns its price. */
async function openShop({ client, site }: { client: Client; site: Site }): Promise<string> {
  const root = { service: "billing", as: site.rootKey, status: 201 } as const;
  const plan = { ...root, request: "POST /v1/plans", body: { name: "Box" } };
  const { id: planId } = await client.ask(plan, Id);
  const price = { planId, currency: "EUR", unitAmount: 4_000, interval: "month" };
  const add = { ...root, request: "POST /v1/prices", body: price };
  return (await client.ask(add, Id)).id;
}

function summary(client: Client, strikes: readonly Strike[]) {
  const blows = Object.entries(Object.groupBy(strikes, ({ blow }) => blow));
  const felt = Object.entries(Object.groupBy(client.troubles, ({ status }) => String(status)));
  return {
    answered: client.answered(),
    longestMs: Math.round(client.longestMs()),
    blows: Object.fromEntries(blows.map(([blow, of]) => [blow, of.length])),
    felt: Object.fromEntries(felt.map(([status, of]) => [status, of?.length])),
  };
}

const tell = (words: string): void => void process.stderr.write(`storm: ${words}\n`);

/** What went wrong for a client, and was not due to a blow: nobody may feel an orderly restart. */
function unexplained(troubles: readonly Trouble[], strikes: readonly Strike[]): Trouble[] {
  return troubles.filter((it) => {
    if (it.status !== 0 && (it.status !== 503 || !it.retryAfter)) return true;
    return !strikes.some(
      ({ blow, service, fromMs, toMs }) =>
        (it.status === 0 &&
          blow === "kill a worker" &&
          service === it.service &&
          it.fromMs <= toMs + KILLED_MS &&
          it.toMs >= fromMs) ||
        (it.status === 503 &&
          blow === "kill the primary" &&
          it.fromMs <= toMs + AWAY_MS &&
          it.toMs >= fromMs),
    );
  });
}
