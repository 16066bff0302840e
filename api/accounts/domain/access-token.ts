/** Maximum lifetime of access tokens, and therefore of permissions after they were revoked. */
export const ACCESS_TOKEN_S = 600;

/** Keeps tokens within the header size that servers and proxies accept. */
export const SCOPE_CHARS_MAX = 5_000;

export type AccessTokenInput = {
  issuer: string;
  /** Slug of a product; `quarterdeck` for the domain APIs. */
  audience: string;
  /** `acc_…` or `svc_…`. */
  subject: string;
  /** The OIDC client, or the service account itself. */
  clientId: string;
  /** `ses_…`, for tokens of a session. */
  sessionId?: string | undefined;
  permissions: readonly string[];
  /** The earliest expiry of its grants or API key, epoch ms. */
  untilMs?: number | undefined;
  /** Time of authentication, epoch ms, and methods (RFC 8176): `pwd`, `otp`, `hwk` … */
  authTimeMs?: number | undefined;
  methods?: readonly string[] | undefined;
  id: string;
  nowMs: number;
};

export type AccessTokenClaims = Record<string, unknown> & {
  scope: string;
  iat: number;
  exp: number;
};

/** RFC 9068; `scope` contains the permissions. */
export function accessTokenClaims(input: AccessTokenInput): AccessTokenClaims {
  const issuedAt = Math.floor(input.nowMs / 1_000);
  const endS = Math.floor((input.untilMs ?? Infinity) / 1_000);
  return {
    iss: input.issuer,
    aud: input.audience,
    sub: input.subject,
    client_id: input.clientId,
    ...(input.sessionId === undefined ? {} : { sid: input.sessionId }),
    scope: input.permissions.join(" "),
    ...(input.authTimeMs === undefined ? {} : { auth_time: Math.floor(input.authTimeMs / 1_000) }),
    ...(input.methods === undefined ? {} : { amr: input.methods }),
    jti: input.id,
    iat: issuedAt,
    exp: Math.max(issuedAt + 1, Math.min(issuedAt + ACCESS_TOKEN_S, endS)),
  };
}
