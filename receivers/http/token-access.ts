import type { IncomingHttpHeaders } from "node:http";

import { AppError } from "#platform/errors.ts";
import type { AccessControl, BaseCaller, OpenRule } from "#platform/http/access-control.ts";
import type { ResponseSpecs, Route, RouteSpec } from "#platform/http/route.ts";

import { type PushToken, secretIn } from "../tokens/push-token.ts";
import type { TokenReader } from "../tokens/token-file.ts";

/** Who may call a route of the receiver. */
export type TokenRule =
  | OpenRule
  /** `header`: the sender has the token there, not in the Authorization header. */
  | { allow: "token"; header?: string }
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
  authenticate({ headers }, address, { rule }) {
    if (rule.allow === "signature") {
      return { kind: "signed", id: address, address, token: undefined } satisfies TokenCaller;
    }
    if (rule.allow === "anyone") {
      return { kind: "anonymous", id: "", address, token: undefined } satisfies TokenCaller;
    }
    const token = tokens.find(secretOf(headers, rule.header));
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

/** @throws AppError unauthenticated */
function secretOf(headers: IncomingHttpHeaders, header: string | undefined): string {
  if (header === undefined) return secretIn(headers.authorization);
  const secret = headers[header];
  if (typeof secret === "string" && secret !== "") return secret;
  throw new AppError("unauthenticated", `Send a push token in the header ${header}.`);
}
