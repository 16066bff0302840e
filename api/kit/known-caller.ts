import { AppError } from "#platform/errors.ts";

import type { Caller } from "./caller.ts";
import type { Authenticate } from "./tokens.ts";

export type CallerOf = (authorization: string | undefined, address: string) => Promise<Caller>;

const BEARER = /^Bearer ([\x21-\x7e]{1,4096})$/i;
const NO_PERMISSIONS: ReadonlySet<string> = new Set();

/** The first that knows the token wins. @throws AppError unauthenticated for a token that nobody knows */
export function callerBy(authenticators: readonly Authenticate[]): CallerOf {
  return async (authorization, address) => {
    if (authorization === undefined) {
      return { kind: "anonymous", id: "", sessionId: "", permissions: NO_PERMISSIONS, address };
    }
    const token = BEARER.exec(authorization)?.[1];
    if (token !== undefined) {
      for (const authenticate of authenticators) {
        const known = await authenticate(token);
        if (known === undefined) continue;
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
