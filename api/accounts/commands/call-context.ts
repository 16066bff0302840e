import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";

/** Who does something, and when: every call of a route is one. */
export type Act = { caller: Caller; nowMs: number; traceId: string };

type Note = {
  action: string;
  outcome?: "failure";
  /** Id of what it is about. */
  target: string;
  /** Account that may read the entry as its own. */
  accountId?: string | undefined;
  detail?: Readonly<Record<string, unknown>>;
  /** At most one entry has it: what repeats without end is written down once. */
  onceKey?: string;
};

export type CommandDeps = Omit<AccountsDeps, "audit"> & {
  /** Writes down a decision of whoever acts, in the transaction of what was decided. */
  audit(db: Queryable, act: Act, note: Note): Promise<void>;
};

export const withCallAudit = (deps: AccountsDeps): CommandDeps => ({
  ...deps,
  audit: (db, act, { action, outcome, target, accountId, detail, onceKey }) =>
    deps.audit(db, {
      atMs: act.nowMs,
      actor: actorOf(act),
      action,
      outcome: outcome ?? "success",
      subject: accountId ?? target,
      address: act.caller.address,
      traceId: act.traceId,
      detail: { ...(accountId === undefined ? {} : { target }), ...detail },
      ...(onceKey === undefined ? {} : { onceKey }),
    }),
});

/** `acc_…`, `svc_…`, `root` or `anonymous`. */
export const actorOf = ({ caller }: Act): string => (caller.id === "" ? caller.kind : caller.id);

/** @throws AppError not_found where there is nothing */
export function found<T>(thing: T | undefined, what: string): T {
  if (thing !== undefined) return thing;
  throw new AppError("not_found", `There is no such ${what}.`);
}

/** A mistake in one field of the body, found out by the data. */
export const invalidField = (path: string, code: string, message: string): AppError =>
  new AppError("bad_request", `body.${path}: ${message}`, {
    fields: [{ path: `body.${path}`, code, message }],
  });

/** Something has this name already. */
export const nameTaken = (path: string, message: string): AppError =>
  new AppError("conflict", message, { fields: [{ path: `body.${path}`, code: "taken", message }] });
