import { createHmac } from "node:crypto";

import { sourceOf } from "#platform/source-of.ts";

/** A token bucket: `burst` attempts at once, then one per `refillMs`. */
export type Bucket = { name: string; key: Buffer; burst: number; refillMs: number };

const MINUTE_MS = 60_000;

/**
 * Limits of failed passwords and codes. An attempt takes a token from each of its buckets before the password is
 * checked, and returns them if it is right, so that concurrent attempts cannot exceed the limit.
 *
 * A device that has signed in before presents its token (OWASP device cookies) and is limited only by its own bucket,
 * so attacks on the account do not lock its owner out. Other attempts take from three buckets: the pair of account and
 * source limits guessing from one network, the source limits trying many accounts, and the account limits guessing from
 * many networks. During an attack a new device must wait, or become known by a password reset.
 */
export const RATES = {
  device: { burst: 20, refillMs: MINUTE_MS },
  pair: { burst: 20, refillMs: 5 * MINUTE_MS },
  source: { burst: 60, refillMs: MINUTE_MS / 6 },
  account: { burst: 30, refillMs: MINUTE_MS },
  /**
   * Wrong codes of the second factor: by device (or session), with one bucket for all devices that only the password
   * has made known. One guess succeeds with a probability of 3 in 10⁶ (one time step to each side), and any of a day's
   * 106 guesses with 1 in 3000.
   */
  code: { burst: 10, refillMs: 15 * MINUTE_MS },
  /** Sign-ups with an address that is taken, which could enumerate accounts. */
  probing: { burst: 20, refillMs: MINUTE_MS },
  /** Mails to one address, and mails requested from one source. */
  mailbox: { burst: 4, refillMs: 10 * MINUTE_MS },
  mailSource: { burst: 20, refillMs: MINUTE_MS },
} as const;

export type Throttle = {
  /** `deviceId` only if the device token was verified for this account. */
  signIn(of: { email: string; address: string; deviceId: string | undefined }): Bucket[];
  code(of: { accountId: string; deviceId: string | undefined }): Bucket[];
  probing(address: string): Bucket[];
  mailbox(email: string): Bucket[];
  mailing(of: { email: string; address: string }): Bucket[];
  /** Confirmation of password or code within a session. */
  confirming(accountId: string, sessionId: string): Bucket[];
};

/** Keys are MACs, so that the table reveals no addresses. */
export function throttleBy(secret: Buffer): Throttle {
  const bucket = (name: keyof typeof RATES, ...parts: readonly string[]): Bucket => ({
    name,
    key: createHmac("sha256", secret)
      .update(JSON.stringify([name, ...parts]))
      .digest(),
    ...RATES[name],
  });
  return {
    signIn({ email, address, deviceId }) {
      if (deviceId !== undefined) return [bucket("device", email, deviceId)];
      const source = sourceOf(address);
      return [bucket("pair", email, source), bucket("source", source), bucket("account", email)];
    },
    code: ({ accountId, deviceId }) => [bucket("code", accountId, deviceId ?? "")],
    probing: (address) => [bucket("probing", sourceOf(address))],
    mailbox: (email) => [bucket("mailbox", email)],
    mailing: ({ email, address }) => [
      bucket("mailbox", email),
      bucket("mailSource", sourceOf(address)),
    ],
    confirming: (accountId, sessionId) => [bucket("device", accountId, sessionId)],
  };
}
