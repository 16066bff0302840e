import { type Caller, mayActFor } from "#platform/http/caller.ts";
import type { Call } from "#platform/http/route.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { actorOf, notFound } from "../commands/call-context.ts";
import type { AccountAction } from "../commands/change-account.ts";
import { type AccountsDeps, type Origin, originOf } from "../deps.ts";

export const READ = "accounts:accounts:read";
export const WRITE = "accounts:accounts:write";

export const isOwn = (caller: Caller, accountId: string): boolean =>
  caller.kind === "account" && caller.id === accountId;

type CallOnAccount = Pick<
  Call<never, never, never, never>,
  "caller" | "traceId" | "nowMs" | "incoming"
> & { params: { accountId: string } };

/** An action on an account by itself or with the permission. @throws AppError not_found for any other */
export function actionOn(call: CallOnAccount, permission: string): AccountAction {
  const { accountId } = call.params;
  if (!mayActFor(call.caller, accountId, permission)) throw notFound("account");
  return { accountId, actor: actorOf(call.caller), origin: originOf(call) };
}

/** An action on the caller's own account. @throws AppError not_found for any other */
export function ownAction(call: CallOnAccount): AccountAction {
  const { accountId } = call.params;
  if (!isOwn(call.caller, accountId)) throw notFound("account");
  return { accountId, actor: accountId, origin: originOf(call) };
}

/** Writes a change that ends sessions of an account, and logs their end after the commit. */
export async function writeEndingSessions<Result>(
  { sessions }: Pick<AccountsDeps, "sessions">,
  call: { write(work: (tx: Queryable) => Promise<Result>): Promise<Result> },
  {
    accountId,
    origin,
    work,
  }: {
    accountId: string;
    origin: Origin;
    work(tx: Queryable): Promise<{ ended: string[]; response: NoInfer<Result> }>;
  },
): Promise<Result> {
  let ended: string[] = [];
  const response = await call.write(async (tx) => {
    const done = await work(tx);
    ended = done.ended;
    return done.response;
  });
  sessions.announceEnd(accountId, ended, origin);
  return response;
}
