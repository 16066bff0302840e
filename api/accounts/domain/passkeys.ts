export type Passkey = {
  /** `pky_…` */
  id: string;
  accountId: string;
  /** Of the authenticator, base64url. */
  credentialId: string;
  name: string;
  /** Whether it is copied between devices. */
  synced: boolean;
  version: number;
  createdAtMs: number;
  lastUsedAtMs: number | null;
};

/** A challenge is good for so long, once. */
export const CHALLENGE_MS = 5 * 60_000;
export const PASSKEYS_MAX = 20;

/** Whom passkeys are made for: a domain, so on this machine `localhost`, and the addresses of its pages. */
export function relyingParty(url: string): { id: string; origins: string[] } {
  const { hostname } = new URL(url);
  return { id: isLoopbackIp(hostname) ? "localhost" : hostname, origins: ownOrigins(url) };
}

/** Where our pages are: at our address, and where that is this machine alone, under its name too. */
export function ownOrigins(url: string): string[] {
  const { origin, hostname, port, protocol } = new URL(url);
  if (!isLoopbackIp(hostname)) return [origin];
  return [origin, `${protocol}//localhost${port === "" ? "" : `:${port}`}`];
}

const isLoopbackIp = (hostname: string): boolean =>
  hostname === "127.0.0.1" || hostname === "[::1]";

/** Why a passkey is no good, in words that may hold what somebody sent: printable and short. */
export const printableReason = (error: unknown): string =>
  error instanceof Error
    ? error.message.replaceAll(/[^\x20-\x7e]+/g, "?").slice(0, 200)
    : "it could not be read";
