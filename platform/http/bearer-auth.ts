import { AppError } from "../errors.ts";
import type { AccessControl } from "./access-control.ts";
import { type Caller, type Rule, holds, holdsSomewhere } from "./caller.ts";
import type { Authenticate } from "./tokens.ts";

const SCHEME = "bearer ";
/** Longer than any token of Accounts, and shorter than Node's limit of headers. */
const TOKEN_LENGTH_MAX = 12_000;
const NO_PERMISSIONS: ReadonlySet<string> = new Set();

/**
 * Identifies callers by bearer token (the root key, or verified by `authenticate`) and authorizes them by its
 * permissions.
 */
export function bearerAccess(
  isRootKey: (token: string) => boolean,
  authenticate: Authenticate,
): AccessControl<Rule> {
  return {
    challenge: "Bearer",
    authenticate({ headers: { authorization } }, address, { ownCredentials }) {
      if (authorization === undefined || ownCredentials === true) {
        return withoutToken("anonymous", address);
      }
      const token = bearerToken(authorization);
      if (token === undefined) throw unknownToken();
      if (isRootKey(token)) return withoutToken("root", address);
      const known = authenticate(token);
      return known instanceof Promise
        ? known.then((it) => callerFrom(it, address))
        : callerFrom(known, address);
    },
    authorise: checkPermission,
  };
}

function checkPermission(rule: Rule, caller: Caller): void {
  if (rule.allow === "anyone") return;
  if (caller.kind === "anonymous") {
    throw new AppError("unauthenticated", "Send a token: Authorization: Bearer …");
  }
  if (rule.allow !== "permission") return;
  const may = rule.scoped === true ? holdsSomewhere : holds;
  if (!may(caller, rule.permission)) {
    throw new AppError("forbidden", `This needs the permission ${rule.permission}.`);
  }
}

const withoutToken = (kind: "anonymous" | "root", address: string): Caller => ({
  kind,
  id: "",
  sessionId: "",
  permissions: NO_PERMISSIONS,
  address,
});

function callerFrom(known: Omit<Caller, "address"> | undefined, address: string): Caller {
  if (known === undefined) throw unknownToken();
  const { kind, id, sessionId, permissions, endsMs } = known;
  return { kind, id, sessionId, permissions, endsMs, address };
}

const unknownToken = (): AppError =>
  new AppError(
    "unauthenticated",
    "This token is unknown or has expired. Get an access token from Accounts; API keys must also be exchanged for one.",
  );

/** The token of an Authorization header with the scheme Bearer; undefined for any other header. */
export function bearerToken(authorization: string): string | undefined {
  const length = authorization.length - SCHEME.length;
  if (length < 1 || length > TOKEN_LENGTH_MAX) return undefined;
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return authorization.slice(SCHEME.length);
}
