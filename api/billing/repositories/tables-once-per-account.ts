/**
 * Trials of a plan and coupons are limited to one per account, across its customers (one per currency). Of earlier
 * double redemptions the first one counts.
 */
export const oncePerAccountSql = `
CREATE TABLE plan_starts (
  account_id text NOT NULL,
  plan_id text NOT NULL REFERENCES plans (id),
  PRIMARY KEY (account_id, plan_id)
);
INSERT INTO plan_starts (account_id, plan_id)
  SELECT DISTINCT account_id, plan_id FROM subscriptions s
    JOIN customers ON customers.id = s.customer_id JOIN prices ON prices.id = s.price_id;
ALTER TABLE coupon_redemptions ADD COLUMN account_id text;
UPDATE coupon_redemptions r SET account_id = first.account_id FROM (
  SELECT DISTINCT ON (coupon_id, account_id) coupon_id, customer_id, customers.account_id
  FROM coupon_redemptions JOIN customers ON customers.id = customer_id
  ORDER BY coupon_id, account_id, redeemed_at, customer_id) AS first
WHERE r.coupon_id = first.coupon_id AND r.customer_id = first.customer_id;
CREATE UNIQUE INDEX coupon_redemptions_account ON coupon_redemptions (coupon_id, account_id);
`;
