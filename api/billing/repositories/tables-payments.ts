export const paymentMethodsSql = `
CREATE TABLE payment_methods (
  id text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customers (id),
  gateway text NOT NULL,
  token text NOT NULL,
  brand text NOT NULL,
  last4 text NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
  exp_month integer NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
  exp_year integer NOT NULL,
  fingerprint text NOT NULL,
  is_default boolean NOT NULL,
  removed_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);
CREATE INDEX payment_methods_customer ON payment_methods (customer_id, created_at, id);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (customer_id)
  WHERE is_default AND removed_at IS NULL;
`;

/** The index `payments_open` allows one payment in progress per invoice. */
export const paymentsSql = `
CREATE TABLE payments (
  id text PRIMARY KEY,
  invoice_id text NOT NULL REFERENCES invoices (id),
  customer_id text NOT NULL REFERENCES customers (id),
  subscription_id text REFERENCES subscriptions (id),
  payment_method_id text NOT NULL REFERENCES payment_methods (id),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  status text NOT NULL
    CHECK (status IN ('created', 'processing', 'requires_action', 'succeeded', 'failed', 'reversed')),
  reason text,
  charge_id text,
  refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  refund_pending bigint NOT NULL DEFAULT 0 CHECK (refund_pending >= 0),
  disputed bigint NOT NULL DEFAULT 0 CHECK (disputed >= 0),
  disputes_open integer NOT NULL DEFAULT 0 CHECK (disputes_open >= 0),
  fraud_warned boolean NOT NULL DEFAULT false,
  automatic boolean NOT NULL,
  trace_id text,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK (refunded + refund_pending <= amount),
  CHECK (status <> 'succeeded' OR charge_id IS NOT NULL)
);
CREATE UNIQUE INDEX payments_open ON payments (invoice_id)
  WHERE status IN ('created', 'processing', 'requires_action');
CREATE INDEX payments_invoice ON payments (invoice_id);
CREATE INDEX payments_customer ON payments (customer_id, created_at, id);
CREATE INDEX payments_created ON payments (created_at, id);
`;

export const refundsSql = `
CREATE TABLE refunds (
  id text PRIMARY KEY,
  payment_id text NOT NULL REFERENCES payments (id),
  customer_id text NOT NULL REFERENCES customers (id),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  reason text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  failure text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX refunds_payment ON refunds (payment_id);
CREATE INDEX refunds_created ON refunds (created_at, id);
`;

export const disputesSql = `
CREATE TABLE disputes (
  id text PRIMARY KEY,
  payment_id text NOT NULL REFERENCES payments (id),
  customer_id text NOT NULL REFERENCES customers (id),
  gateway text NOT NULL,
  gateway_dispute_id text NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  fee bigint NOT NULL CHECK (fee >= 0),
  excess bigint NOT NULL CHECK (excess >= 0),
  reason text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('needs_response', 'under_review', 'won', 'lost', 'accepted', 'expired')),
  evidence jsonb,
  evidence_due_by timestamptz NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  UNIQUE (gateway, gateway_dispute_id)
);
CREATE INDEX disputes_payment ON disputes (payment_id);
CREATE INDEX disputes_opened ON disputes (opened_at, id);
`;

/** The part of a dispute taken from the customer's credit, as the payment had become credit. */
export const disputeCreditSql =
  "ALTER TABLE disputes ADD COLUMN from_credit bigint NOT NULL DEFAULT 0 CHECK (from_credit >= 0)";

export const webhooksSql = `
CREATE TABLE webhook_events (
  gateway text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (gateway, event_id)
);
`;

/** `dunning_policy` has one row. */
export const dunningSql = `
CREATE TABLE dunning_policy (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  retry_days integer[] NOT NULL,
  finally text NOT NULL CHECK (finally IN ('cancel', 'unpaid')),
  version integer NOT NULL DEFAULT 1
);
INSERT INTO dunning_policy (retry_days, finally) VALUES ('{1,3,5,7}', 'cancel');
CREATE TABLE dunning (
  invoice_id text PRIMARY KEY REFERENCES invoices (id),
  subscription_id text NOT NULL REFERENCES subscriptions (id),
  customer_id text NOT NULL REFERENCES customers (id),
  status text NOT NULL CHECK (status IN ('active', 'recovered', 'exhausted')),
  started_at timestamptz NOT NULL,
  retries integer NOT NULL DEFAULT 0,
  next_at timestamptz,
  updated_at timestamptz NOT NULL
);
CREATE INDEX dunning_started ON dunning (started_at, invoice_id);
`;

/** Data of the sandbox gateway; it represents an external system, so no other table refers to it. */
export const sandboxSql = `
CREATE TABLE sandbox_cards (
  token text PRIMARY KEY,
  behaviour text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE TABLE sandbox_charges (
  id text PRIMARY KEY,
  key text NOT NULL UNIQUE,
  reference text NOT NULL,
  behaviour text NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL,
  status text NOT NULL
    CHECK (status IN ('processing', 'requires_action', 'succeeded', 'failed', 'reversed')),
  reason text,
  calls integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);
CREATE INDEX sandbox_charges_reference ON sandbox_charges (reference);
CREATE TABLE sandbox_refunds (
  id text PRIMARY KEY,
  key text NOT NULL UNIQUE,
  reference text NOT NULL,
  charge_id text NOT NULL REFERENCES sandbox_charges (id),
  amount bigint NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  reason text,
  created_at timestamptz NOT NULL
);
CREATE INDEX sandbox_refunds_charge ON sandbox_refunds (charge_id);
CREATE TABLE sandbox_disputes (
  id text PRIMARY KEY,
  charge_id text NOT NULL REFERENCES sandbox_charges (id),
  amount bigint NOT NULL,
  fee bigint NOT NULL,
  reason text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'won', 'lost')),
  evidence_due_by timestamptz NOT NULL,
  evidence text,
  opened_at timestamptz NOT NULL
);
CREATE INDEX sandbox_disputes_charge ON sandbox_disputes (charge_id);
CREATE TABLE sandbox_events (
  id text PRIMARY KEY,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  delivered_at timestamptz
);
`;
