/** The accounts of the ledger. A customer's own ones carry the customer's id. */
type Account =
  | `receivable:${string}`
  | `customer_credit:${string}`
  | "revenue"
  | "discounts"
  | "tax_payable"
  | "credit_notes"
  | "bad_debt"
  | "cash:gateway"
  | "refunds"
  | "disputes"
  | "dispute_fees"
  | "gateway_fees";

/** One side of a posting, in minor units: a debit is positive, a credit negative. */
export type Entry = { account: Account; currency: string; amount: bigint };

/** What happened once: `kind` and `ref` (the id of what it is about) together are posted at most once. */
export type Posting = { at: number; kind: string; ref: string; entries: readonly Entry[] };

/** Leaves out what moves nothing. */
export const nonZeroEntries = (entries: readonly Entry[]): Entry[] =>
  entries.filter((it) => it.amount !== 0n);

/** Currencies in which debits and credits differ, with the difference. */
export function imbalances(entries: readonly Entry[]): [currency: string, difference: bigint][] {
  const sums = new Map<string, bigint>();
  for (const { currency, amount } of entries) {
    sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  }
  return [...sums].filter(([, difference]) => difference !== 0n);
}

type Totals = {
  currency: string;
  customerId: string;
  discount: bigint;
  tax: bigint;
  total: bigint;
  /** Of the customer's credit; negative where a negative total adds to it. */
  creditApplied: bigint;
};

/** An invoice becomes a claim: on the customer, less what their credit pays; against revenue, discounts and tax. */
export function invoiceEntries(invoice: Totals): Entry[] {
  const { currency, customerId, discount, tax, total, creditApplied } = invoice;
  return nonZeroEntries([
    { account: `receivable:${customerId}`, currency, amount: total - creditApplied },
    { account: `customer_credit:${customerId}`, currency, amount: creditApplied },
    { account: "discounts", currency, amount: discount },
    { account: "revenue", currency, amount: -(total + discount - tax) },
    { account: "tax_payable", currency, amount: -tax },
  ]);
}

/** The same entries the other way round. */
export const reversed = (entries: readonly Entry[]): Entry[] =>
  entries.map((it) => ({ ...it, amount: -it.amount }));

type Credited = {
  currency: string;
  customerId: string;
  amount: bigint;
  tax: bigint;
  /** The part that lowers what is still due; the rest becomes the customer's credit. */
  fromDue: bigint;
};

/** A credit note takes back revenue and tax. */
export function creditNoteEntries(note: Credited): Entry[] {
  const { currency, customerId, amount, tax, fromDue } = note;
  return nonZeroEntries([
    { account: "credit_notes", currency, amount: amount - tax },
    { account: "tax_payable", currency, amount: tax },
    { account: `receivable:${customerId}`, currency, amount: -fromDue },
    { account: `customer_credit:${customerId}`, currency, amount: -(amount - fromDue) },
  ]);
}
