import { createHash, hkdfSync, timingSafeEqual } from "node:crypto";

import { z } from "zod";

/** A token that is recognised by its hash. */
const TokenHash = z.object({ length: z.number(), sha256: z.string() });
type TokenHash = z.infer<typeof TokenHash>;

/**
 * What the processes of one service know of the root key of their installation: the hash by which they recognise it,
 * and the keys derived from it that the service uses. It is JSON.
 */
export const ServiceKeys = z.object({
  rootKey: TokenHash,
  /** Derived keys (base64) by purpose. */
  derived: z.record(z.string(), z.string()),
  /** Bearer tokens of services, by the service's name. */
  serviceTokens: z.record(z.string(), TokenHash),
});
export type ServiceKeys = z.infer<typeof ServiceKeys>;

export const USER_HASH = "user hash";
export const serviceTokenOf = (name: string): string => `service token of ${name}`;
/** Services that call others, which accept their tokens. */
const CALLERS = ["reporting"] as const;
export type CallingService = (typeof CALLERS)[number];

/** The keys of a service that uses derived keys for these purposes. */
export function deriveKeys(rootKey: string, purposes: readonly string[]): ServiceKeys {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync("sha256", rootKey, "", `quarterdeck ${purpose}`, 32));
  return {
    rootKey: hashOf(rootKey),
    derived: Object.fromEntries(
      [USER_HASH, ...purposes].map((purpose) => [purpose, derive(purpose).toString("base64")]),
    ),
    serviceTokens: Object.fromEntries(
      CALLERS.map((name) => [name, hashOf(tokenFrom(derive(serviceTokenOf(name))))]),
    ),
  };
}

export const tokenFrom = (key: Buffer): string => key.toString("base64url");

/** @throws Error for a purpose that the service does not declare in its `secrets` */
export function derivedKey({ derived }: ServiceKeys, purpose: string): Buffer {
  const key = derived[purpose];
  if (key === undefined) throw new Error(`the service does not declare the secret "${purpose}"`);
  return Buffer.from(key, "base64");
}

/** Whether a token is the one with this hash. The comparison takes constant time for a given length. */
export function tokenCheck({ length, sha256 }: TokenHash): (token: string) => boolean {
  const expected = Buffer.from(sha256, "base64");
  return (token) => token.length === length && timingSafeEqual(digestOf(token), expected);
}

const digestOf = (token: string): Buffer => createHash("sha256").update(token).digest();
const hashOf = (token: string): TokenHash => ({
  length: token.length,
  sha256: digestOf(token).toString("base64"),
});
