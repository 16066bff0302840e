/** Type of a warehouse column: text (VARCHAR), integer (BIGINT), time (TIMESTAMP in UTC; epoch ms here). */
type FactType = "text" | "integer" | "time";
export type FactColumn = { name: string; type: FactType };
type FactCell = string | number | null;
export type FactRow = Readonly<Record<string, FactCell>>;

/** Origin of facts: a service's event feed, or the access log. */
export const SOURCES = ["billing", "accounts", "logs"] as const;
export type Source = (typeof SOURCES)[number];

type Fact = {
  source: Source;
  columns: readonly FactColumn[];
  /** Unit of replacement: loading a key again replaces its rows. */
  key: "event_key" | "day";
};

const text = (...names: string[]): FactColumn[] => names.map((name) => ({ name, type: "text" }));
const integer = (...names: string[]): FactColumn[] =>
  names.map((name) => ({ name, type: "integer" }));
/** Columns of every event: key in the warehouse, position in the feed, time. */
const EVENT: FactColumn[] = [
  ...text("event_key"),
  ...integer("seq"),
  { name: "happened_at", type: "time" },
];

const fact = (source: Source, columns: FactColumn[]): Fact => ({
  source,
  columns: [...EVENT, ...columns],
  key: "event_key",
});

const SUBSCRIPTION = text("subscription_id", "customer_id", "plan_id", "price_id", "status");
const INVOICE = text("kind", "invoice_id", "number", "customer_id", "subscription_id", "currency");

/** The tables of the warehouse. Columns are only ever added; they are null in older files. */
export const FACTS = {
  subscription_changes: fact("billing", [...SUBSCRIPTION, ...text("currency"), ...integer("mrr")]),
  invoices: fact("billing", [...INVOICE, ...integer("subtotal", "discount", "tax", "total")]),
  payments: fact("billing", [
    ...text("kind", "payment_id", "invoice_id", "customer_id", "currency", "reason"),
    ...integer("amount"),
  ]),
  refunds: fact("billing", [
    ...text("refund_id", "payment_id", "customer_id", "currency"),
    ...integer("amount"),
  ]),
  disputes: fact("billing", [
    ...text("kind", "dispute_id", "payment_id", "customer_id", "currency"),
    ...integer("amount", "fee"),
  ]),
  credit_notes: fact("billing", [
    ...text("credit_note_id", "invoice_id", "customer_id", "currency"),
    ...integer("amount"),
  ]),
  accounts: fact("accounts", text("account_hash")),
  sessions: fact("accounts", text("kind", "account_hash", "method", "reason")),
  /** Requests per hour: one row for each bucket of the response-time histogram, and one for the errors. */
  requests: {
    source: "logs",
    key: "day",
    columns: [
      ...text("day"),
      { name: "happened_at", type: "time" },
      ...text("service", "release"),
      ...integer("bucket", "requests", "errors"),
    ],
  },
} satisfies Record<string, Fact>;

export type FactName = keyof typeof FACTS;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a literal
export const FACT_NAMES = Object.keys(FACTS) as FactName[];
export const isFactName = (name: string): name is FactName => Object.hasOwn(FACTS, name);

/** Rows of one table and one day. */
export type FactBatch = { fact: FactName; day: string; rows: FactRow[] };

/** UTC day of a time: `2026-11-24`. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** Groups rows into batches by table and day. */
export function batchByDay(rows: readonly { fact: FactName; row: FactRow }[]): FactBatch[] {
  const batches = new Map<string, FactBatch>();
  for (const { fact: name, row } of rows) {
    const day = dayOf(Number(row["happened_at"]));
    const key = `${name} ${day}`;
    const batch = batches.get(key) ?? { fact: name, day, rows: [] };
    batch.rows.push(row);
    batches.set(key, batch);
  }
  return [...batches.values()];
}
