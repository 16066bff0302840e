import { type Caller, mayActFor } from "#platform/http/caller.ts";
import type { Call } from "#platform/http/route.ts";

import type { Act } from "../commands/change-account.ts";
import { notFound } from "../commands/sign-in.ts";
import { originOf } from "../deps.ts";

export const READ = "accounts:accounts:read";
export const WRITE = "accounts:accounts:write";
export const AUDIT = "accounts:audit:read";

export const isOwn = (caller: Caller, accountId: string): boolean =>
  caller.kind === "account" && caller.id === accountId;

export const actorOf = (caller: Caller): string => (caller.id === "" ? caller.kind : caller.id);

type OfAccount = Pick<
  Call<never, never, never, never>,
  "caller" | "traceId" | "nowMs" | "incoming"
> & { params: { accountId: string } };

/** What somebody does to an account. @throws AppError not_found where it is not theirs and they hold no permission */
export function actOf(call: OfAccount, permission: string): Act {
  const { accountId } = call.params;
  if (!mayActFor(call.caller, accountId, permission)) throw notFound("account");
  return { accountId, actor: actorOf(call.caller), origin: originOf(call) };
}

/** What somebody does to their own account. @throws AppError not_found for any other */
export function ownActOf(call: OfAccount): Act {
  const { accountId } = call.params;
  if (!isOwn(call.caller, accountId)) throw notFound("account");
  return { accountId, actor: accountId, origin: originOf(call) };
}
