import type { IncomingMessage } from "node:http";

/** A route that anyone may call, and why. The rules of every program include it. */
export type OpenRule = { allow: "anyone"; why: string };

/** What the kit reads of a route's rule; the rest is for the program's own `AccessControl`. */
export type BaseRule = { allow: string };

/** What the kit reads of a caller. */
export type BaseCaller = {
  /** `anonymous` where nobody is signed in: rate limits then count the address. */
  kind: string;
  /** Empty for anonymous callers. */
  id: string;
  /** Epoch ms at which what proves the caller's identity expires; undefined for what does not. */
  endsMs?: number | undefined;
  /** IP address of the client. */
  address: string;
};

/** How a program identifies its callers and applies the rules of its routes. */
export type AccessControl<R extends BaseRule = BaseRule> = {
  /**
   * Identifies the caller; at once where credentials are cached, since every request needs it.
   * @throws AppError for invalid credentials, and for requests that are refused on every route
   */
  authenticate(
    incoming: IncomingMessage,
    address: string,
    route: { rule: R; ownCredentials?: true },
  ): BaseCaller | Promise<BaseCaller>;
  /** @throws AppError unauthenticated or forbidden */
  authorise(rule: R, caller: BaseCaller): void;
  /** The WWW-Authenticate header of a 401. */
  challenge?: string;
};
