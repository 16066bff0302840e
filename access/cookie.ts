import { parseCookie, stringifySetCookie } from "cookie";

/**
 * The session cookie. Over https the `__Host-` prefix binds it to this host; plain http on loopback does not allow it.
 */
export const SECURE_NAME = "__Host-quarterdeck_session";
export const PLAIN_NAME = "quarterdeck_session";

/** The session token in a Cookie header; undefined if there is none. */
export function tokenIn(cookieHeader: string | undefined): string | undefined {
  const cookies = parseCookie(cookieHeader ?? "");
  return [cookies[SECURE_NAME], cookies[PLAIN_NAME]].find(
    (value) => value !== undefined && /^[\w-]{20,100}$/.test(value),
  );
}

/** The Set-Cookie header for a token that expires after `maxAgeMs`; 0 deletes the cookie. */
export function sessionCookie(
  token: string,
  { secure, maxAgeMs }: { secure: boolean; maxAgeMs: number },
): string {
  return stringifySetCookie({
    name: secure ? SECURE_NAME : PLAIN_NAME,
    value: token,
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    maxAge: Math.floor(maxAgeMs / 1_000),
    secure,
  });
}

/** Whether a request came through the https proxy of QUARTERDECK_URL. */
export function isSecure(host: string | undefined, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return false;
  const url = new URL(publicUrl);
  return url.protocol === "https:" && url.host === host?.toLowerCase();
}
