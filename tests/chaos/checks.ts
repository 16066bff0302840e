import { expect } from "vitest";
import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";

import type { Client } from "./client.ts";
import { type Acknowledged, eventually } from "./customers.ts";
import type { Installation } from "./installation.ts";
import type { Pushed } from "./staff.ts";

type Context = { client: Client; installation: Installation };

const Page = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

/** All items of a list, page by page. */
async function all<Item extends z.ZodType>(
  { client, installation }: Context,
  [service, list]: readonly [ServiceName, string],
  item: Item,
): Promise<z.output<Item>[]> {
  const found: z.output<Item>[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const url = new URL(list, "http://list");
    url.searchParams.set("limit", "100");
    if (cursor !== "") url.searchParams.set("cursor", cursor);
    const request = `GET ${url.pathname}${url.search}`;
    const call = { service, request, as: installation.rootKey, status: 200 } as const;
    const page: z.output<ReturnType<typeof Page<Item>>> = await client.ask(call, Page(item));
    found.push(...page.items);
    // A feed has a cursor even at its end.
    cursor = page.items.length === 0 ? null : page.next;
  }
  return found;
}

const Invoice = z.object({ id: z.string(), number: z.string().nullable(), status: z.string() });
const Payment = z.object({
  id: z.string(),
  status: z.string(),
  amount: z.int(),
  refunded: z.int(),
});
const Refund = z.object({ id: z.string(), status: z.string(), amount: z.int() });
const Subscription = z.object({ id: z.string(), quantity: z.int() });
const Event = z.object({ id: z.string(), type: z.string(), subject: z.string() });
const Dispute = z.object({ id: z.string(), status: z.string() });
const Account = z.object({ id: z.string() });

const ENDED = ["succeeded", "partially_refunded", "refunded", "disputed", "charged_back"];

/** Waits until every invoice is paid; confirms payments for which the bank requires it again. */
export async function settle(context: Context): Promise<void> {
  const { client, installation } = context;
  await eventually("every invoice is paid", async () => {
    const payments = await all(context, ["billing", "/v1/payments"], Payment);
    for (const { id } of payments.filter(({ status }) => status === "requires_action")) {
      const request = `POST /v1/payments/${id}/confirm`;
      await client.ask(
        { service: "billing", request, as: installation.rootKey, status: 202 },
        z.unknown(),
      );
    }
    const invoices = await all(context, ["billing", "/v1/invoices"], Invoice);
    const open = [
      ...invoices.filter(({ status }) => status !== "paid"),
      ...payments.filter(({ status }) => !ENDED.includes(status)),
    ];
    return open.length === 0 || undefined;
  });
}

/** Checks that acknowledged changes are kept and the ledger balances. */
export async function checkBilling(context: Context, acknowledged: Acknowledged): Promise<void> {
  const { client, installation } = context;
  const balance = await client.ask(
    {
      service: "billing",
      request: "GET /v1/ledger/balance",
      as: installation.rootKey,
      status: 200,
    },
    z.object({ currencies: z.array(z.looseObject({ difference: z.int() })) }),
  );
  expect(balance.currencies.map((it) => it.difference)).toEqual([0]);

  const invoices = await all(context, ["billing", "/v1/invoices"], Invoice);
  const numbers = invoices.map(({ number }) => Number(/\d+$/.exec(number ?? "")?.[0]));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, place) => place + 1));

  const ids = async (service: ServiceName, list: string) =>
    (await all(context, [service, list], Account)).map(({ id }) => id);
  expect(missing(await ids("accounts", "/v1/accounts"), acknowledged.accounts)).toEqual([]);
  expect(missing(await ids("billing", "/v1/customers"), acknowledged.customers)).toEqual([]);
  expect(missing(await ids("billing", "/v1/refunds"), acknowledged.refunds)).toEqual([]);
  expect(missing(await ids("billing", "/v1/disputes"), acknowledged.disputes)).toEqual([]);
  const subscriptions = await all(context, ["billing", "/v1/subscriptions"], Subscription);
  const quantities = subscriptions.map(({ id, quantity }) => [id, quantity] as const);
  expect(Object.fromEntries(quantities)).toEqual(Object.fromEntries(acknowledged.subscriptions));
  // No retry has created a second one.
  expect(subscriptions).toHaveLength(acknowledged.customers.length);
}

const missing = (found: readonly string[], wanted: readonly string[]): string[] =>
  wanted.filter((id) => !found.includes(id));

/** Checks that the payment gateway agrees with Billing. */
export async function checkGateway({ installation }: Context): Promise<void> {
  const charges = `billing.payments p FULL JOIN billing.sandbox_charges c ON c.reference = p.id`;
  const counts = {
    "charged twice": `SELECT count(*) FROM (SELECT p.invoice_id FROM ${charges}
      WHERE c.status = 'succeeded' GROUP BY 1 HAVING count(*) > 1) twice`,
    "charged otherwise than recorded": `SELECT count(*) FROM ${charges}
      WHERE p.id IS NULL OR c.id IS NULL OR p.amount <> c.amount OR p.status <> c.status`,
    "refunded otherwise than recorded": `SELECT count(*) FROM billing.refunds r
      FULL JOIN billing.sandbox_refunds s ON s.reference = r.id
      WHERE r.id IS NULL OR s.id IS NULL OR r.amount <> s.amount OR r.status <> s.status`,
    "failed jobs": `SELECT count(*) FROM billing.jobs WHERE failed_at IS NOT NULL`,
  };
  for (const [what, sql] of Object.entries(counts)) {
    expect([what, await installation.primary.ask(sql)]).toEqual([what, "0"]);
  }
}

const idsOf = (things: readonly { id: string }[]): string[] =>
  things.map(({ id }) => id).toSorted();
const sum = (amounts: readonly number[]): number => amounts.reduce((total, it) => total + it, 0);

/** Checks that the feeds have every event once, and that Reporting agrees with Billing. */
export async function checkFeeds(context: Context, acknowledged: Acknowledged): Promise<void> {
  const feed = await all(context, ["billing", "/v1/events"], Event);
  expect(new Set(feed.map(({ id }) => id)).size).toBe(feed.length);
  const subjects = (type: string) =>
    feed
      .filter((it) => it.type === type)
      .map(({ subject }) => subject)
      .toSorted();
  const payments = await all(context, ["billing", "/v1/payments"], Payment);
  const refunds = await all(context, ["billing", "/v1/refunds"], Refund);
  const disputes = await all(context, ["billing", "/v1/disputes"], Dispute);
  const invoices = await all(context, ["billing", "/v1/invoices"], Invoice);
  expect(subjects("billing.payment.succeeded")).toEqual(idsOf(payments));
  expect(subjects("billing.refund.succeeded")).toEqual(idsOf(refunds));
  expect(subjects("billing.dispute.opened")).toEqual(idsOf(disputes));
  expect(subjects("billing.invoice.paid")).toEqual(idsOf(invoices));
  const accounts = await all(context, ["accounts", "/v1/events"], Event);
  const created = accounts.filter(({ type }) => type === "accounts.account.created");
  expect(created.map(({ subject }) => subject).toSorted()).toEqual(
    acknowledged.accounts.toSorted(),
  );

  const count = (status: string) => disputes.filter((it) => it.status === status).length;
  const expected = {
    payments: payments.length,
    paymentsAmount: sum(payments.map(({ amount }) => amount)),
    refunds: refunds.length,
    refundsAmount: sum(refunds.map(({ amount }) => amount)),
    disputesOpened: disputes.length,
    disputesWon: count("won"),
    disputesLost: count("lost"),
  };
  const { client, installation } = context;
  const reported = () =>
    client.ask(
      {
        service: "reporting",
        request: "GET /v1/reports/refunds-and-chargebacks?step=day&period=last-7-days",
        as: installation.rootKey,
        status: 200,
      },
      z.object({ rows: z.array(z.record(z.string(), z.unknown())) }),
    );
  await expect
    .poll(
      async () => {
        const { rows } = await reported();
        const total = (name: string) => sum(rows.map((row) => Number(row[name])));
        return Object.fromEntries(Object.keys(expected).map((name) => [name, total(name)]));
      },
      { timeout: 60_000, interval: 500 },
    )
    .toEqual(expected);
}

const LogEvent = z.object({ fields: z.looseObject({ message: z.string() }) });

/**
 * Every acknowledged line is stored once. A line whose request was repeated may be stored twice: the bus and
 * PostgreSQL, which has the Idempotency-Key, share no transaction.
 */
export const checkLogs = (context: Context, { count, repeated }: Pushed): Promise<void> =>
  expect
    .poll(
      async () => {
        const list = "/v1/search?q=number&from=now-2h";
        const found = await all(context, ["logging", list], LogEvent);
        const times = new Map<string, number>();
        for (const { fields } of found) {
          times.set(fields.message, (times.get(fields.message) ?? 0) + 1);
        }
        const lines = Array.from({ length: count }, (_, place) => `number ${place}`);
        return {
          lost: lines.filter((line) => !times.has(line)),
          twice: lines.filter((line, place) => (times.get(line) ?? 0) > 1 && !repeated.has(place)),
        };
      },
      { timeout: 60_000, interval: 1_000 },
    )
    .toEqual({ lost: [], twice: [] });
