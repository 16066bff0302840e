import { createHash } from "node:crypto";

import type { Flag, Scope } from "./application.ts";

const BUCKETS = 10_000;

type Evaluation = {
  on: boolean;
  because: "off" | "denied" | "allowed" | "percentage" | "no rule";
};

/**
 * The bucket (0 to 9999) of an account for a flag: a hash of both, so that it is the same everywhere and always, and
 * that the first accounts to get one flag are not the first to get every flag.
 */
export function bucketOf(flagKey: string, accountId: string): number {
  const digest = createHash("sha256").update(`${flagKey}\n${accountId}`).digest();
  return digest.readUIntBE(0, 6) % BUCKETS;
}

/** Whether an account has a flag. Raising a percentage never takes it from anybody who has it. */
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
  // Down: 99.999 % is not everybody. What is added is less than a bucket, and more than a float is off.
  const share = Math.floor((rule.percentage * BUCKETS) / 100 + 1e-6);
  return { on: bucketOf(flag.key, accountId) < share, because: "percentage" };
}
