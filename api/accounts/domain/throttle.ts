import { createHmac } from "node:crypto";
import { isIPv6 } from "node:net";

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
   * Wrong codes of the second factor, of whoever has the password: by device, and one bucket for all that have none. A
   * guess hits three in a million (one step of the clock to each side), so this is one in 3 000 a day.
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

const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));

/** One place on the network: an IPv4 address, or the /64 that an IPv6 host can choose its addresses from. */
export function sourceOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return address;
  const [head = "", tail] = bare.toLowerCase().split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail ?? "")];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const all = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${all
    .slice(0, 4)
    .map((it) => Number.parseInt(it, 16).toString(16))
    .join(":")}::/64`;
}
