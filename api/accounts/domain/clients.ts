/** A program that people sign in to through us. */
export type OAuthClient = {
  /** `cli_…` */
  id: string;
  /** Slug of the product that it is a face of. */
  product: string;
  productId: string;
  name: string;
  /** A confidential one proves itself by a secret; a public one, on somebody's device, has none. */
  kind: "confidential" | "public";
  redirectUris: readonly string[];
  postLogoutRedirectUris: readonly string[];
  version: number;
  createdBy: string;
  createdAtMs: number;
  updatedAtMs: number;
};

/**
 * Why an address cannot be one that we send people to; undefined where it can: https, http on the machine itself, or a
 * private scheme of an app that is named after a domain (RFC 8252, 7.1).
 */
export function redirectUriError(uri: string): string | undefined {
  if (!URL.canParse(uri)) return "give an absolute address";
  const url = new URL(uri);
  if (uri.includes("#")) return "give an address without a fragment";
  if (url.username !== "" || url.password !== "") return "give an address without a password";
  if (url.protocol === "https:") return undefined;
  if (url.protocol === "http:") {
    return isLoopback(url) ? undefined : "give https; http is for this machine alone";
  }
  const isPrivate = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/.test(url.protocol);
  return isPrivate
    ? undefined
    : "give https, or an app's own scheme like com.example.app:/signed-in";
}

/**
 * Whether an address is exactly one of the registered ones. On a loopback IP address the port may be any, as a native
 * app takes the one that is free (RFC 8252, 7.3).
 */
export const isRegistered = (registered: readonly string[], uri: string): boolean =>
  registered.some((it) => it === uri || isSameButPort(it, uri));

function isSameButPort(registered: string, uri: string): boolean {
  if (!URL.canParse(uri) || !URL.canParse(registered)) return false;
  const one = new URL(registered);
  const other = new URL(uri);
  if (one.protocol !== "http:" || !isLoopbackIp(one)) return false;
  one.port = "";
  other.port = "";
  // Written the same way too: what a parser would repair is not what was registered.
  return one.href === other.href && uri.startsWith(`http://${other.hostname}`);
}

const isLoopbackIp = ({ hostname }: URL): boolean =>
  hostname === "127.0.0.1" || hostname === "[::1]";
const isLoopback = (url: URL): boolean => isLoopbackIp(url) || url.hostname === "localhost";
