import { AppError } from "../errors.ts";
import { type Caller, type Rule, holds, holdsSomewhere } from "./caller.ts";
import type { ListenerDeps } from "./listener.ts";
import { TooManyRequests, createRateLimit, type RateLimit } from "./rate-limit.ts";
import type { Route } from "./route.ts";

const LIMIT_KEYS_MAX = 50_000;
/** Whoever asks these acts on the answer: one that says "too many" would have a healthy process ended. */
const UNLIMITED = new Set(["/livez", "/readyz"]);

/** What is asked before a route is entered. */
export type Gate = { route: Route; general: RateLimit; own: RateLimit | undefined };

export function gateOf(route: Route, deps: Pick<ListenerDeps, "limit" | "clock">): Gate {
  return { route, general: deps.limit, own: limitOf(route, deps) };
}

/**
 * Lets a caller in; `who` is whom the limits count.
 * @throws AppError too_many_requests, unauthenticated or forbidden
 */
export function admit(gate: Gate, caller: Caller, who: string): void {
  count(gate, who);
  if (gate.own) takeToken(gate.own, who);
  checkRule(gate.route.rule, caller);
}

/** Counts somebody whose token nobody knows. @throws AppError too_many_requests */
export function count({ route, general }: Gate, who: string): void {
  if (!UNLIMITED.has(route.path)) takeToken(general, who);
}

function checkRule(rule: Rule, caller: Caller): void {
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

function limitOf(route: Route, deps: Pick<ListenerDeps, "clock">): RateLimit | undefined {
  if (route.limit === undefined) return undefined;
  const { burst, perMinute } = route.limit;
  return createRateLimit(
    { burst, refillMs: 60_000 / perMinute, keysMax: LIMIT_KEYS_MAX },
    deps.clock,
  );
}

function takeToken(limit: RateLimit, who: string): void {
  const waitMs = limit.take(who);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
}
