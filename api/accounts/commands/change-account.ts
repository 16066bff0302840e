import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import type { Origin } from "../domain/origin.ts";
import {
  type Account,
  changeAccount,
  deleteCredentials,
  eraseAccount,
} from "../repositories/accounts.ts";
import { invalidateMailTokens } from "../repositories/mail-tokens.ts";
import { requireAccount } from "./accounts.ts";
import { originFields } from "./check-credentials.ts";
import { deviceTokenOf } from "./device-tokens.ts";
import { enqueueLinkMail, consumeLink } from "./mail-links.ts";
import { sendSecurityNotice } from "./security-notices.ts";

export type AccountAction = { accountId: string; actor: string; origin: Origin };

export const auditSuccess = (
  deps: AccountsDeps,
  tx: Queryable,
  action: AccountAction & { action: string; detail?: Readonly<Record<string, unknown>> },
): Promise<void> =>
  deps.audit(tx, {
    atMs: action.origin.nowMs,
    actor: action.actor,
    action: action.action,
    outcome: "success",
    subject: action.accountId,
    ...originFields(action.origin),
    detail: action.detail ?? {},
  });

async function openAccount(tx: Queryable, id: string) {
  const account = await requireAccount(tx, id, "lock");
  if (account.closedAtMs === undefined) return account;
  throw new AppError("conflict", "This account is closed and cannot be changed.");
}

/** @throws AppError not_found, conflict, precondition_failed */
export async function renameAccount(
  deps: AccountsDeps,
  tx: Queryable,
  of: AccountAction & { name: string; ifMatch: number | undefined },
): Promise<Account> {
  const before = await openAccount(tx, of.accountId);
  checkVersion(of.ifMatch, before.version);
  const { name } = of;
  const after = await changeAccount(tx, of.accountId, { name, nowMs: of.origin.nowMs });
  await auditSuccess(deps, tx, { ...of, action: "account.change", detail: { fields: ["name"] } });
  return after;
}

/** Also ends all other sessions and invalidates links that could set another password or address. */
export async function setPassword(
  deps: AccountsDeps,
  tx: Queryable,
  of: AccountAction & { passwordHash: string; keepSession: string | undefined; action: string },
): Promise<string[]> {
  const account = await openAccount(tx, of.accountId);
  const { passwordHash, origin } = of;
  const { nowMs } = origin;
  await changeAccount(tx, of.accountId, { passwordHash, nowMs });
  await invalidateMailTokens(tx, of.accountId, nowMs);
  await sendSecurityNotice(deps, tx, { account, notice: "password" });
  await auditSuccess(deps, tx, of);
  return deps.sessions.end(tx, {
    accountId: of.accountId,
    reason: of.action,
    origin,
    actor: of.actor,
    except: of.keepSession,
  });
}

export async function closeAccount(
  deps: AccountsDeps,
  tx: Queryable,
  of: AccountAction & { ifMatch: number | undefined },
): Promise<string[]> {
  const before = await openAccount(tx, of.accountId);
  checkVersion(of.ifMatch, before.version);
  const { accountId, actor, origin } = of;
  const ended = await deps.sessions.end(tx, { accountId, reason: "account closed", origin, actor });
  await eraseAccount(tx, accountId, origin.nowMs);
  await deps.invalidateTokens(tx, accountId);
  await auditSuccess(deps, tx, { ...of, action: "account.close" });
  await deps.kit.publish(tx, {
    type: "account.closed",
    subject: accountId,
    atMs: origin.nowMs,
    traceId: origin.traceId,
    data: { accountId },
  });
  return ended;
}

/** Mails a link that verifies an address, which then becomes the account's address. */
export async function requestEmailVerification(
  deps: AccountsDeps,
  tx: Queryable,
  of: AccountAction & { email: string | undefined },
): Promise<void> {
  const account = await openAccount(tx, of.accountId);
  const email = of.email ?? account.email ?? "";
  await enqueueLinkMail(deps, tx, { account, email, purpose: "verify", origin: of.origin });
  await auditSuccess(deps, tx, {
    ...of,
    action: "email.verification.ask",
    detail: { isNew: email !== account.email },
  });
}

/** @throws AppError bad_request for an invalid link, conflict if the address was taken in the meantime */
export async function verifyEmail(
  deps: AccountsDeps,
  tx: Queryable,
  of: { token: string; origin: Origin },
): Promise<Account> {
  const { origin, token } = of;
  const { accountId, email } = await consumeLink(deps, tx, {
    purpose: "verify",
    token,
    nowMs: origin.nowMs,
  });
  const before = await openAccount(tx, accountId);
  const change = { verifiedEmail: email, nowMs: origin.nowMs };
  const after = await changeAccount(tx, accountId, change).catch(takenAddress);
  // Access to the old mailbox must no longer allow setting a password.
  if (before.email !== email) {
    await invalidateMailTokens(tx, accountId, origin.nowMs);
    await sendSecurityNotice(deps, tx, { account: before, notice: "address" });
  }
  const action = { accountId, actor: accountId, origin };
  await auditSuccess(deps, tx, {
    ...action,
    action: "email.verify",
    detail: { isNew: before.email !== email },
  });
  return after;
}

function takenAddress(error: unknown): never {
  if (!(error instanceof Error && "code" in error && error.code === "23505")) throw error;
  throw new AppError("conflict", "This address was taken by another account in the meantime.");
}

/**
 * Using the link verifies the address and makes the device a known one. If the address was not verified before,
 * somebody else may have signed up with it, so passkeys and the second factor are deleted.
 */
export async function resetPassword(
  deps: AccountsDeps,
  tx: Queryable,
  of: { token: string; passwordHash: string; origin: Origin },
): Promise<{ accountId: string; deviceToken: string; ended: string[] }> {
  const { origin, token, passwordHash } = of;
  const link = await consumeLink(deps, tx, { purpose: "reset", token, nowMs: origin.nowMs });
  const { accountId } = link;
  const action = {
    accountId,
    actor: accountId,
    origin,
    action: "password.reset",
    keepSession: undefined,
  };
  const account = await openAccount(tx, accountId);
  const ended = await setPassword(deps, tx, { ...action, passwordHash });
  if (!account.emailVerified) {
    await changeAccount(tx, accountId, { verifiedEmail: link.email, nowMs: origin.nowMs });
    await deleteCredentials(tx, accountId);
    await auditSuccess(deps, tx, { ...action, action: "account.reclaim" });
  }
  return { accountId, deviceToken: deviceTokenOf(deps.tokens, accountId, "mail"), ended };
}
