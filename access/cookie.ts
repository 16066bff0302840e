/** The cookie of a session. Under https its name binds it to this host; over plain http on loopback it cannot. */
const SECURE_NAME = "__Host-quarterdeck_session";
const PLAIN_NAME = "quarterdeck_session";

/** The session's token in a Cookie header, undefined where there is none. */
export function tokenIn(cookieHeader: string | undefined): string | undefined {
  const pairs = (cookieHeader ?? "").split(";").map((pair) => pair.trim().split("="));
  for (const name of [SECURE_NAME, PLAIN_NAME]) {
    const value = pairs.find(([key]) => key === name)?.[1];
    if (value !== undefined && /^[\w-]{20,100}$/.test(value)) return value;
  }
  return undefined;
}

/** The Set-Cookie header that keeps a token for `maxAgeMs`; 0 takes it back. */
export function sessionCookie(
  token: string,
  options: { secure: boolean; maxAgeMs: number },
): string {
  const { secure, maxAgeMs } = options;
  const name = secure ? SECURE_NAME : PLAIN_NAME;
  const attributes = [
    "Path=/",
    "HttpOnly",
    "SameSite=Lax",
    `Max-Age=${Math.floor(maxAgeMs / 1_000)}`,
  ];
  return [`${name}=${token}`, ...attributes, ...(secure ? ["Secure"] : [])].join("; ");
}

/** Whether a request came through the https proxy that QUARTERDECK_URL announces. */
export function isSecure(host: string | undefined, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return false;
  const url = new URL(publicUrl);
  return url.protocol === "https:" && url.host === host?.toLowerCase();
}
