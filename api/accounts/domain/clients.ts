/** A public client cannot keep a secret, such as a native app. */
export const CLIENT_KINDS = ["confidential", "public"] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

/**
 * Why a redirect URI is not allowed; undefined if it is: https, http on loopback, or a private-use scheme based on a
 * domain name (RFC 8252, 7.1).
 */
export function redirectUriError(uri: string): string | undefined {
  if (!URL.canParse(uri)) return "give an absolute URI";
  const url = new URL(uri);
  if (uri.includes("#")) return "give a URI without a fragment";
  if (url.username !== "" || url.password !== "") return "give a URI without credentials";
  if (url.protocol === "https:") return undefined;
  if (url.protocol === "http:") {
    return isLoopback(url) ? undefined : "give https; http is allowed for loopback only";
  }
  const isPrivate = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/.test(url.protocol);
  return isPrivate
    ? undefined
    : "give https, or a private-use scheme such as com.example.app:/signed-in";
}

/** Whether a redirect URI is exactly a registered one, with any port on a loopback IP address (RFC 8252, 7.3). */
export const isRegistered = (registered: readonly string[], uri: string): boolean =>
  registered.some((it) => it === uri || equalsExceptPort(it, uri));

function equalsExceptPort(registered: string, uri: string): boolean {
  if (!URL.canParse(uri) || !URL.canParse(registered)) return false;
  const one = new URL(registered);
  const other = new URL(uri);
  if (one.protocol !== "http:" || !isLoopbackIp(one)) return false;
  one.port = "";
  other.port = "";
  // Also literally, as the parser normalises URIs that were not registered.
  return one.href === other.href && uri.startsWith(`http://${other.hostname}`);
}

const isLoopbackIp = ({ hostname }: URL): boolean =>
  hostname === "127.0.0.1" || hostname === "[::1]";
const isLoopback = (url: URL): boolean => isLoopbackIp(url) || url.hostname === "localhost";
