import { createHmac } from "node:crypto";

import { sourceOf } from "#platform/source-of.ts";

/** A token bucket: `burst` tries at once, then one each `refillMs`. */
export type Bucket = { name: string; key: Buffer; burst: number; refillMs: number };

const MINUTE_MS = 60_000;

/**
 * How often somebody may be wrong about a password or a code. Every try takes a token of each bucket that it falls in,
 * before the password is looked at, and a right one gives them back; so tries that come at once cannot overtake it.
 *
 * A device that has signed in before shows its token (OWASP, device cookies) and has a bucket of its own and no other:
 * whatever others do to the account, its owner gets in. Everybody else falls in three: the pair of account and source
 * stops guessing from one place, the source stops trying many accounts from one place, and the account slows down
 * guessing from many places. Under such an attack a new device has to wait, or take the way by a mail (password reset),
 * which makes it a known device.
 */
export const RATES = {
  device: { burst: 20, refillMs: MINUTE_MS },
  pair: { burst: 20, refillMs: 5 * MINUTE_MS },
  source: { burst: 60, refillMs: MINUTE_MS / 6 },
  account: { burst: 30, refillMs: MINUTE_MS },
  /**
   * Wrong codes of the second factor, of whoever has the password: by device (or session, where one is changed), and one
   * bucket for all that were never known by more than the password. A guess hits three in a million (one step of the
   * clock to each side), so this is one in 3 000 a day.
   */
  code: { burst: 10, refillMs: 15 * MINUTE_MS },
  /** Sign-ups with an address that is taken: what could be used to find out who has an account. */
  probing: { burst: 20, refillMs: MINUTE_MS },
  /** Mails to one address, and mails asked for from one source. */
  mailbox: { burst: 4, refillMs: 10 * MINUTE_MS },
  mailSource: { burst: 20, refillMs: MINUTE_MS },
} as const;

export type Throttle = {
  /** Of a try to sign in; `deviceId` only when the device's token was found to be of this account. */
  signIn(of: { email: string; address: string; deviceId: string | undefined }): Bucket[];
  code(of: { accountId: string; deviceId: string | undefined }): Bucket[];
  probing(address: string): Bucket[];
  mailbox(email: string): Bucket[];
  mailing(of: { email: string; address: string }): Bucket[];
  /** Password or code asked again of somebody who is signed in. */
  confirming(accountId: string, sessionId: string): Bucket[];
};

/** Keys are MACs: the table of buckets says nobody's address. */
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
