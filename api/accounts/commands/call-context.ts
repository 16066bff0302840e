import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";

/** Who runs a command, and when; the call of a route is one. */
export type CallContext = { caller: Caller; nowMs: number; traceId: string };

type CallAudit = {
  action: string;
  outcome?: "failure";
  /** Id of the object. */
  target: string;
  /** The account that may read the entry as its own. */
  accountId?: string | undefined;
  detail?: Readonly<Record<string, unknown>>;
  /** See `AuditEntry`. */
  onceKey?: string;
};

export type CommandDeps = Omit<AccountsDeps, "audit"> & {
  /** Audits an action of the caller, in the transaction of the action. */
  audit(db: Queryable, call: CallContext, entry: CallAudit): Promise<void>;
};

export const withCallAudit = (deps: AccountsDeps): CommandDeps => ({
  ...deps,
  audit: (db, call, { action, outcome, target, accountId, detail, onceKey }) =>
    deps.audit(db, {
      atMs: call.nowMs,
      actor: actorOf(call.caller),
      action,
      outcome: outcome ?? "success",
      subject: accountId ?? target,
      address: call.caller.address,
      traceId: call.traceId,
      detail: { ...(accountId === undefined ? {} : { target }), ...detail },
      ...(onceKey === undefined ? {} : { onceKey }),
    }),
});

/** `acc_…`, `svc_…`, `root` or `anonymous`. */
export const actorOf = (caller: Caller): string => (caller.id === "" ? caller.kind : caller.id);

export const notFound = (what: string): AppError =>
  new AppError("not_found", `There is no such ${what}.`);

/** @throws AppError not_found for undefined */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what);
  return value;
}

export const invalidField = (path: string, code: string, message: string): AppError =>
  new AppError("bad_request", `body.${path}: ${message}`, {
    fields: [{ path: `body.${path}`, code, message }],
  });

export const nameTaken = (path: string, message: string): AppError =>
  new AppError("conflict", message, { fields: [{ path: `body.${path}`, code: "taken", message }] });
