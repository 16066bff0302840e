import { createHash } from "node:crypto";

import type { Flag, Scope } from "./application.ts";

const BUCKETS = 10_000;

type Evaluation = {
  on: boolean;
  because: "off" | "denied" | "allowed" | "percentage" | "no rule";
};

/**
 * The bucket (0 to 9999) of an account for a flag. It hashes both, so that it is stable and different flags reach
 * different accounts first.
 */
export function bucketOf(flagKey: string, accountId: string): number {
  const digest = createHash("sha256").update(`${flagKey}\n${accountId}`).digest();
  return digest.readUIntBE(0, 6) % BUCKETS;
}

/** Whether a flag is on for an account. Raising a percentage never turns it off for an account. */
export function evaluateFlag(
  flag: Flag & { key: string },
  accountId: string,
  place: Scope,
): Evaluation {
  if (!flag.on) return { on: false, because: "off" };
  if (flag.deny.includes(accountId)) return { on: false, because: "denied" };
  if (flag.allow.includes(accountId)) return { on: true, because: "allowed" };
  const rule = flag.rules.find(
    ({ product, environment }) =>
      (product === undefined || product === place.product) &&
      (environment === undefined || environment === place.environment),
  );
  if (!rule) return { on: false, because: "no rule" };
  // Rounded down, so that 99.999 % does not include everyone. The addend corrects float errors and is less than a bucket.
  const share = Math.floor((rule.percentage * BUCKETS) / 100 + 1e-6);
  return { on: bucketOf(flag.key, accountId) < share, because: "percentage" };
}
