import { AppError } from "#platform/errors.ts";

import type { Caller } from "./caller.ts";
import type { Authenticate } from "./tokens.ts";

export type CallerOf = (authorization: string | undefined, address: string) => Promise<Caller>;

const SCHEME = "bearer ";
const TOKEN_LENGTH_MAX = 4_096;
const NO_PERMISSIONS: ReadonlySet<string> = new Set();

/** The root key, or what the service knows as a token. @throws AppError unauthenticated for a token that nobody knows */
export function callerBy(
  isRootKey: (token: string) => boolean,
  authenticate: Authenticate,
): CallerOf {
  return async (authorization, address) => {
    if (authorization === undefined) {
      return { kind: "anonymous", id: "", sessionId: "", permissions: NO_PERMISSIONS, address };
    }
    const token = tokenOf(authorization);
    if (token !== undefined) {
      if (isRootKey(token)) {
        return { kind: "root", id: "", sessionId: "", permissions: NO_PERMISSIONS, address };
      }
      const known = await authenticate(token);
      if (known !== undefined) {
        const { kind, id, sessionId, permissions } = known;
        return { kind, id, sessionId, permissions, address };
      }
    }
    throw new AppError(
      "unauthenticated",
      "This token is not known, or has expired: sign in again.",
    );
  };
}

function tokenOf(authorization: string): string | undefined {
  const length = authorization.length - SCHEME.length;
  if (length < 1 || length > TOKEN_LENGTH_MAX) return undefined;
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return authorization.slice(SCHEME.length);
}
