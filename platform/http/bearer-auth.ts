import { AppError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { Authenticate } from "./tokens.ts";

/** At once where the token is remembered: what every request waits for costs every request. */
export type CallerOf = (
  authorization: string | undefined,
  address: string,
) => Caller | Promise<Caller>;

const SCHEME = "bearer ";
/** More than Accounts puts into a token, and less than Node takes as headers. */
const TOKEN_LENGTH_MAX = 12_000;
const NO_PERMISSIONS: ReadonlySet<string> = new Set();

/** The root key, or what the service knows as a token. @throws AppError unauthenticated for a token that nobody knows */
export function bearerAuthenticator(
  isRootKey: (token: string) => boolean,
  authenticate: Authenticate,
): CallerOf {
  return (authorization, address) => {
    if (authorization === undefined) return somebody("anonymous", address);
    const token = bearerToken(authorization);
    if (token === undefined) throw unknownToken();
    if (isRootKey(token)) return somebody("root", address);
    const known = authenticate(token);
    return known instanceof Promise
      ? known.then((it) => callerFrom(it, address))
      : callerFrom(known, address);
  };
}

const somebody = (kind: "anonymous" | "root", address: string): Caller => ({
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
    "This token is not known, or has expired: get an access token from Accounts, for an API key too.",
  );

/** What an Authorization header says behind `Bearer`, where it may be a token. */
export function bearerToken(authorization: string): string | undefined {
  const length = authorization.length - SCHEME.length;
  if (length < 1 || length > TOKEN_LENGTH_MAX) return undefined;
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return authorization.slice(SCHEME.length);
}
