export const customersSql = `
CREATE TABLE customers (
  id text PRIMARY KEY,
  account_id text NOT NULL,
  name text NOT NULL,
  email text NOT NULL,
  country text NOT NULL,
  currency text NOT NULL,
  credit bigint NOT NULL DEFAULT 0 CHECK (credit >= 0),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  UNIQUE (account_id, currency)
);
CREATE INDEX customers_created ON customers (created_at, id);
`;

export const catalogSql = `
CREATE TABLE tax_rates (
  country text PRIMARY KEY,
  name text NOT NULL,
  rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
  inclusive boolean NOT NULL,
  version integer NOT NULL DEFAULT 1
);
CREATE TABLE plans (
  id text PRIMARY KEY,
  name text NOT NULL,
  description text NOT NULL,
  archived boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);
CREATE INDEX plans_created ON plans (created_at, id);
CREATE TABLE prices (
  id text PRIMARY KEY,
  plan_id text NOT NULL REFERENCES plans (id),
  currency text NOT NULL,
  unit_amount bigint NOT NULL CHECK (unit_amount >= 0),
  interval text NOT NULL CHECK (interval IN ('month', 'year')),
  trial_days integer NOT NULL CHECK (trial_days >= 0),
  archived boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);
CREATE INDEX prices_plan ON prices (plan_id);
CREATE INDEX prices_created ON prices (created_at, id);
CREATE TABLE coupons (
  id text PRIMARY KEY,
  code text NOT NULL UNIQUE,
  percent_off integer CHECK (percent_off BETWEEN 1 AND 10000),
  amount_off bigint CHECK (amount_off > 0),
  currency text,
  duration text NOT NULL CHECK (duration IN ('once', 'repeating', 'forever')),
  duration_months integer CHECK (duration_months > 0),
  max_redemptions integer CHECK (max_redemptions > 0),
  times_redeemed integer NOT NULL DEFAULT 0,
  minimum_amount bigint NOT NULL DEFAULT 0,
  expires_at timestamptz,
  active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  CHECK ((percent_off IS NULL) <> (amount_off IS NULL)),
  CHECK (amount_off IS NULL OR currency IS NOT NULL),
  CHECK ((duration = 'repeating') = (duration_months IS NOT NULL)),
  CHECK (times_redeemed <= max_redemptions)
);
CREATE INDEX coupons_created ON coupons (created_at, id);
`;

/** The primary key of `subscription_periods` ensures that a period is billed once. */
export const subscriptionsSql = `
CREATE TABLE subscriptions (
  id text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customers (id),
  price_id text NOT NULL REFERENCES prices (id),
  quantity integer NOT NULL CHECK (quantity > 0),
  status text NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'unpaid', 'canceled')),
  currency text NOT NULL,
  mrr bigint NOT NULL,
  anchor_at timestamptz NOT NULL,
  anchor_period integer NOT NULL,
  period integer NOT NULL,
  period_start timestamptz NOT NULL,
  period_end timestamptz NOT NULL,
  cancel_at_period_end boolean NOT NULL DEFAULT false,
  canceled_at timestamptz,
  coupon_id text REFERENCES coupons (id),
  discount_ends_at timestamptz,
  payment_method_id text,
  latest_invoice_id text,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL
);
CREATE INDEX subscriptions_customer ON subscriptions (customer_id);
CREATE INDEX subscriptions_created ON subscriptions (created_at, id);
CREATE TABLE subscription_periods (
  subscription_id text NOT NULL REFERENCES subscriptions (id),
  period integer NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  gross bigint NOT NULL,
  discount bigint NOT NULL,
  tax_rate_bp integer NOT NULL,
  tax_inclusive boolean NOT NULL,
  PRIMARY KEY (subscription_id, period)
);
CREATE TABLE coupon_redemptions (
  coupon_id text NOT NULL REFERENCES coupons (id),
  customer_id text NOT NULL REFERENCES customers (id),
  subscription_id text NOT NULL REFERENCES subscriptions (id),
  redeemed_at timestamptz NOT NULL,
  PRIMARY KEY (coupon_id, customer_id)
);
`;
