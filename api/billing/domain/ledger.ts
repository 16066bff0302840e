/** Accounts of a single customer end with its id. */
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

/** In minor units: a debit is positive, a credit negative. */
export type Entry = { account: Account; currency: string; amount: bigint };

/** `kind` and `ref` (the id of the subject) together are unique. */
export type Posting = { at: number; kind: string; ref: string; entries: readonly Entry[] };

export const nonZeroEntries = (entries: readonly Entry[]): Entry[] =>
  entries.filter((it) => it.amount !== 0n);

/** Currencies whose debits and credits differ, with the difference. */
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
  /** From the customer's credit; negative if a negative total is added to it. */
  creditApplied: bigint;
};

/** Entries of a finalised invoice. */
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

/** Reversing entries. */
export const reversed = (entries: readonly Entry[]): Entry[] =>
  entries.map((it) => ({ ...it, amount: -it.amount }));

type Credited = {
  currency: string;
  customerId: string;
  amount: bigint;
  tax: bigint;
  /** The part that lowers the amount due; the rest becomes the customer's credit. */
  fromDue: bigint;
};

export function creditNoteEntries(note: Credited): Entry[] {
  const { currency, customerId, amount, tax, fromDue } = note;
  return nonZeroEntries([
    { account: "credit_notes", currency, amount: amount - tax },
    { account: "tax_payable", currency, amount: tax },
    { account: `receivable:${customerId}`, currency, amount: -fromDue },
    { account: `customer_credit:${customerId}`, currency, amount: -(amount - fromDue) },
  ]);
}
