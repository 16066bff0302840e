export const CHALLENGE_MS = 5 * 60_000;
export const PASSKEYS_MAX = 20;

/** The WebAuthn relying party, whose id is a domain: `localhost` for loopback addresses. */
export function relyingParty(url: string): { id: string; origins: string[] } {
  const { hostname } = new URL(url);
  return { id: isLoopbackIp(hostname) ? "localhost" : hostname, origins: ownOrigins(url) };
}

/** Origins of the pages; a loopback address is also reached as `localhost`. */
export function ownOrigins(url: string): string[] {
  const { origin, hostname, port, protocol } = new URL(url);
  if (!isLoopbackIp(hostname)) return [origin];
  return [origin, `${protocol}//localhost${port === "" ? "" : `:${port}`}`];
}

const isLoopbackIp = (hostname: string): boolean =>
  hostname === "127.0.0.1" || hostname === "[::1]";

/** The message of an error, which may contain client input, limited to short printable text. */
export const printableReason = (error: unknown): string =>
  error instanceof Error
    ? error.message.replaceAll(/[^\x20-\x7e]+/g, "?").slice(0, 200)
    : "it could not be parsed";
