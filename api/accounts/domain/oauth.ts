import { createHash, timingSafeEqual } from "node:crypto";

/** Error codes of RFC 6749, RFC 6750 and OpenID Connect. */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "invalid_scope"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "request_not_supported"
  | "request_uri_not_supported"
  | "login_required"
  | "invalid_token"
  | "insufficient_scope";

export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  constructor(code: OAuthErrorCode, description: string) {
    super(description);
    this.name = "OAuthError";
    this.code = code;
  }
}

export const SCOPES = ["openid", "profile", "email"] as const;
/** Lifetime of an authorization code. */
export const CODE_MS = 60_000;
export const ID_TOKEN_S = 3_600;

/** PKCE (RFC 7636) with S256. */
export function verifiesPkce(verifier: string, challenge: string): boolean {
  if (!/^[\w.~-]{43,128}$/.test(verifier)) return false;
  const computed = createHash("sha256").update(verifier).digest();
  const expected = Buffer.from(challenge, "base64url");
  return expected.length === computed.length && timingSafeEqual(expected, computed);
}

export type AuthorizationRequest = {
  clientId: string;
  redirectUri: string;
  state: string | undefined;
  nonce: string | undefined;
  /** The requested scopes that are supported. */
  scope: string;
  codeChallenge: string;
};

const TEXT_MAX = 2_000;

/** @throws OAuthError to redirect to the client */
export function checkAuthorization(
  query: ReadonlyMap<string, string>,
  redirect: { clientId: string; redirectUri: string },
): AuthorizationRequest {
  checkSupported(query);
  const challenge = query.get("code_challenge") ?? "";
  if (query.get("code_challenge_method") !== "S256" || !/^[\w-]{43}$/.test(challenge)) {
    const message = "PKCE is required: send code_challenge, and code_challenge_method=S256";
    throw new OAuthError("invalid_request", message);
  }
  const requested = (query.get("scope") ?? "").split(" ");
  if (!requested.includes("openid")) {
    throw new OAuthError("invalid_scope", "scope must include openid");
  }
  const nonce = query.get("nonce");
  const state = query.get("state");
  if ((nonce ?? "").length > TEXT_MAX || (state ?? "").length > TEXT_MAX) {
    throw new OAuthError("invalid_request", `state and nonce are at most ${TEXT_MAX} characters`);
  }
  if (query.get("prompt") === "none") {
    throw new OAuthError("login_required", "interactive sign-in is always required");
  }
  const scope = SCOPES.filter((it) => requested.includes(it)).join(" ");
  return { ...redirect, state, nonce, scope, codeChallenge: challenge };
}

function checkSupported(query: ReadonlyMap<string, string>): void {
  if (query.has("request")) throw new OAuthError("request_not_supported", "send query parameters");
  if (query.has("request_uri")) {
    throw new OAuthError("request_uri_not_supported", "send query parameters");
  }
  if (query.get("response_type") !== "code") {
    throw new OAuthError("unsupported_response_type", "response_type must be code");
  }
  if ((query.get("response_mode") ?? "query") !== "query") {
    throw new OAuthError("invalid_request", "response_mode must be query");
  }
}
