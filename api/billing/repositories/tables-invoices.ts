export const numberingSql = `
CREATE TABLE number_series (
  series text PRIMARY KEY,
  last integer NOT NULL CHECK (last > 0)
);
`;

export const invoicesSql = `
CREATE TABLE invoices (
  id text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customers (id),
  subscription_id text REFERENCES subscriptions (id),
  status text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
  series text,
  sequence integer,
  number text UNIQUE,
  currency text NOT NULL,
  subtotal bigint NOT NULL,
  discount bigint NOT NULL,
  tax bigint NOT NULL,
  total bigint NOT NULL,
  credit_applied bigint NOT NULL DEFAULT 0,
  amount_due bigint NOT NULL CHECK (amount_due >= 0),
  amount_paid bigint NOT NULL DEFAULT 0 CHECK (amount_paid >= 0),
  credited bigint NOT NULL DEFAULT 0,
  credited_tax bigint NOT NULL DEFAULT 0,
  memo text NOT NULL,
  due_days integer NOT NULL,
  created_at timestamptz NOT NULL,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  payment_id text,
  version integer NOT NULL DEFAULT 1,
  UNIQUE (series, sequence),
  CHECK ((status = 'draft') = (number IS NULL)),
  CHECK ((number IS NULL) = (sequence IS NULL) AND (number IS NULL) = (finalized_at IS NULL)),
  CHECK (status <> 'paid' OR amount_due = 0),
  CHECK (credited = 0 OR credited BETWEEN 0 AND total)
);
CREATE INDEX invoices_customer ON invoices (customer_id, created_at, id);
CREATE INDEX invoices_subscription ON invoices (subscription_id);
CREATE INDEX invoices_created ON invoices (created_at, id);
CREATE TABLE invoice_lines (
  invoice_id text NOT NULL REFERENCES invoices (id),
  position integer NOT NULL,
  kind text NOT NULL,
  description text NOT NULL,
  quantity integer NOT NULL,
  unit_amount bigint NOT NULL,
  amount bigint NOT NULL,
  discount bigint NOT NULL,
  tax_rate_bp integer NOT NULL,
  tax_inclusive boolean NOT NULL,
  tax bigint NOT NULL,
  total bigint NOT NULL,
  starts_at timestamptz,
  ends_at timestamptz,
  PRIMARY KEY (invoice_id, position)
);
`;

/** The part of an invoice that changes of its subscription have turned into credit. */
export const proratedSql =
  "ALTER TABLE invoices ADD COLUMN prorated bigint NOT NULL DEFAULT 0 CHECK (prorated >= 0)";

export const creditNotesSql = `
CREATE TABLE credit_notes (
  id text PRIMARY KEY,
  invoice_id text NOT NULL REFERENCES invoices (id),
  customer_id text NOT NULL REFERENCES customers (id),
  series text NOT NULL,
  sequence integer NOT NULL,
  number text NOT NULL UNIQUE,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  tax bigint NOT NULL,
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (series, sequence)
);
CREATE INDEX credit_notes_invoice ON credit_notes (invoice_id);
CREATE INDEX credit_notes_created ON credit_notes (created_at, id);
`;
