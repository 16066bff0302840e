import { AppError } from "#platform/errors.ts";
import type { AccessControl, BaseCaller, OpenRule } from "#platform/http/access-control.ts";
import type { ResponseSpecs, Route, RouteSpec } from "#platform/http/route.ts";

import { type PushToken, secretIn } from "../tokens/push-token.ts";
import type { TokenReader } from "../tokens/token-file.ts";

/** Who may call a route of the receiver. */
export type TokenRule =
  | OpenRule
  | { allow: "token" }
  /** The handler checks the signature of the message. */
  | { allow: "signature" };

export type TokenCaller = BaseCaller & { token: PushToken | undefined };

/** Declares a route of the receiver. There is no default rule. */
export function tokenRoute<Params, Query, Body, const Responses extends ResponseSpecs>(
  spec: RouteSpec<Params, Query, Body, Responses, TokenRule, TokenCaller>,
): Route<TokenRule> {
  return spec;
}

/** @throws AppError unauthenticated */
export function tokenOf({ token }: TokenCaller): PushToken {
  if (token === undefined) throw new AppError("unauthenticated", "Send a token.");
  return token;
}

/** Identifies senders by push tokens. */
export const tokenAccess = (tokens: Pick<TokenReader, "find">): AccessControl<TokenRule> => ({
  challenge: 'Basic realm="Quarterdeck"',
  authenticate({ headers: { authorization } }, address, { rule }) {
    if (rule.allow === "signature") {
      return { kind: "signed", id: address, address, token: undefined } satisfies TokenCaller;
    }
    if (rule.allow === "anyone") {
      return { kind: "anonymous", id: "", address, token: undefined } satisfies TokenCaller;
    }
    const token = tokens.find(secretIn(authorization));
    if (token === undefined) {
      throw new AppError(
        "unauthenticated",
        "This token is unknown, or was removed: `quarterdeck token list` shows the tokens.",
      );
    }
    return { kind: "token", id: token.id, address, token } satisfies TokenCaller;
  },
  // `authenticate` has rejected all others.
  authorise: () => undefined,
});
