import { parseCookie, stringifySetCookie } from "cookie";

/** The name before each installation had its own; a token of another installation under it is unknown here. */
const COMMON_NAME = "quarterdeck_session";
const TOKEN = /^[\w-]{20,100}$/;

/** The session cookie of one installation. */
export type SessionCookie = {
  /** Its name over plain http, for the documentation. */
  name: string;
  /** The session token in a Cookie header; undefined if there is none. */
  tokenIn(cookieHeader: string | undefined): string | undefined;
  /** The Set-Cookie header for a token that expires after `maxAgeMs`; 0 deletes the cookie. */
  headerFor(token: string, options: { secure: boolean; maxAgeMs: number }): string;
};

/**
 * Browsers send cookies to all ports of a host, so the name contains the id of the installation. Over https the
 * `__Host-` prefix binds it to this host; plain http on loopback does not allow it.
 */
export function sessionCookie(installation: string): SessionCookie {
  const name = `${COMMON_NAME}_${installation}`;
  const names = [`__Host-${name}`, name, `__Host-${COMMON_NAME}`, COMMON_NAME];
  return {
    name,
    tokenIn(cookieHeader) {
      const cookies = parseCookie(cookieHeader ?? "");
      return names.map((it) => cookies[it]).find((it) => it !== undefined && TOKEN.test(it));
    },
    headerFor: (token, { secure, maxAgeMs }) =>
      stringifySetCookie({
        name: secure ? `__Host-${name}` : name,
        value: token,
        path: "/",
        httpOnly: true,
        sameSite: "lax",
        maxAge: Math.floor(maxAgeMs / 1_000),
        secure,
      }),
  };
}

/** Whether a request came through the https proxy of QUARTERDECK_URL. */
export function isSecure(host: string | undefined, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return false;
  const url = new URL(publicUrl);
  return url.protocol === "https:" && url.host === host?.toLowerCase();
}
