/** Access tokens live so long at most: what is taken back before its time may still be in them for that much. */
export const ACCESS_TOKEN_S = 600;

/** So long may `scope` be at most: with the rest of the token it fits into the headers that servers and proxies take. */
export const SCOPE_CHARS_MAX = 5_000;

export type AccessTokenFacts = {
  issuer: string;
  /** Product that it is for: `quarterdeck` for the domain APIs. */
  audience: string;
  /** `acc_…` or `svc_…`. */
  subject: string;
  /** Whoever asked for it: an OIDC client, or the service account itself. */
  clientId: string;
  /** `ses_…` where a session stands behind it. */
  sessionId?: string | undefined;
  permissions: readonly string[];
  /** When the first of what it rests on ends by itself, epoch ms: a grant, an API key. It ends with it. */
  untilMs?: number | undefined;
  /** When the person proved who they are, epoch ms, and by what (RFC 8176): `pwd`, `otp`, `hwk` … */
  authTimeMs?: number | undefined;
  methods?: readonly string[] | undefined;
  /** Unique, so that two tokens of the same second differ. */
  id: string;
  nowMs: number;
};

export type AccessTokenClaims = Record<string, unknown> & {
  scope: string;
  iat: number;
  exp: number;
};

/** Claims of an access token (RFC 9068); `scope` carries the permissions. */
export function accessTokenClaims(facts: AccessTokenFacts): AccessTokenClaims {
  const issuedAt = Math.floor(facts.nowMs / 1_000);
  const endS = Math.floor((facts.untilMs ?? Infinity) / 1_000);
  return {
    iss: facts.issuer,
    aud: facts.audience,
    sub: facts.subject,
    client_id: facts.clientId,
    ...(facts.sessionId === undefined ? {} : { sid: facts.sessionId }),
    scope: facts.permissions.join(" "),
    ...(facts.authTimeMs === undefined ? {} : { auth_time: Math.floor(facts.authTimeMs / 1_000) }),
    ...(facts.methods === undefined ? {} : { amr: facts.methods }),
    jti: facts.id,
    iat: issuedAt,
    exp: Math.max(issuedAt + 1, Math.min(issuedAt + ACCESS_TOKEN_S, endS)),
  };
}
