import type { OpenRule } from "./access-control.ts";

/** The caller of a domain API, authenticated by bearer token. */
export type Caller = {
  kind: "anonymous" | "account" | "service" | "root";
  /** `acc_…` of an account, `svc_…` of a service account; empty for anonymous and root. */
  id: string;
  /** `ses_…`: the session of the token; empty if there is none. */
  sessionId: string;
  /** As rules of routes name them, narrowed to a scope, or all: `billing:refunds:write`, `logging:logs:read/nginx.*`, `billing:*`. */
  permissions: ReadonlySet<string>;
  /** Epoch ms at which the token expires; undefined if it does not expire. */
  endsMs?: number | undefined;
  /** IP address of the client. */
  address: string;
};

/**
 * Who may call a route. `own-or`: the owner of the resource, or a holder of the permission; the handler looks up the
 * owner and checks with `mayActFor`. Every route has a rule; there is no default.
 */
export type Rule =
  | OpenRule
  | { allow: "signed-in" }
  | { allow: "own-or"; permission: string }
  | {
      allow: "permission";
      permission: string;
      /** Also admits holders of a narrowed permission; the handler checks the scope (`scopesOf`). */
      scoped?: true;
    };

/** Whether a caller holds a permission without limits: `a:b:c` or `a:*`, not one that is narrowed to a scope. */
export function holds(caller: Caller, permission: string): boolean {
  if (caller.kind === "root" || caller.permissions.has(permission)) return true;
  return caller.permissions.has(`${permission.slice(0, permission.indexOf(":"))}:*`);
}

/** Whether a caller holds a permission in any scope: `a:b:c/scope` counts too. */
export function holdsSomewhere(caller: Caller, permission: string): boolean {
  if (holds(caller, permission)) return true;
  const scoped = `${permission}/`;
  for (const held of caller.permissions) if (held.startsWith(scoped)) return true;
  return false;
}

/** The scopes in which a caller holds a permission: `nginx.*` for `a:b/nginx.*`. Empty: none. */
export function scopesOf(caller: Caller, permission: string): "all" | readonly string[] {
  if (holds(caller, permission)) return "all";
  const scoped = `${permission}/`;
  return [...caller.permissions]
    .filter((held) => held.startsWith(scoped))
    .map((held) => held.slice(scoped.length));
}

/** Whether a caller may act on the resources of an account. */
export function mayActFor(caller: Caller, ownerId: string, permission: string): boolean {
  return (caller.kind === "account" && caller.id === ownerId) || holds(caller, permission);
}
