import type { IncomingMessage } from "node:http";

/** A route that anyone may call, with the reason. Every program has this rule. */
export type OpenRule = { allow: "anyone"; why: string };

/** The part of a rule that the kit reads; the rest is for the program's `AccessControl`. */
export type BaseRule = { allow: string };

/** The part of a caller that the kit reads. */
export type BaseCaller = {
  /** `anonymous` without credentials: rate limits then count the address. */
  kind: string;
  /** Empty for anonymous callers. */
  id: string;
  /** Epoch ms at which the caller's credentials expire; undefined if they do not expire. */
  endsMs?: number | undefined;
  /** IP address of the client. */
  address: string;
};

/** How a program identifies its callers and applies the rules of its routes. */
export type AccessControl<R extends BaseRule = BaseRule> = {
  /**
   * Identifies the caller; synchronously if the credentials are cached, because every request needs it.
   * @throws AppError for invalid credentials, and for requests that are rejected on every route
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
