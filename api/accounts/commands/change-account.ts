import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import type { Account } from "../domain/account.ts";
import type { Origin } from "../domain/origin.ts";
import { changeAccount, eraseAccount, deleteCredentials } from "../repositories/accounts.ts";
import { invalidateMailTokens } from "../repositories/mail-tokens.ts";
import { originFields } from "./check-credentials.ts";
import { deviceTokenOf } from "./device-tokens.ts";
import { enqueueLinkMail, consumeLink } from "./mail-links.ts";
import { sendSecurityNotice } from "./security-notices.ts";
import { requireAccount, notFound } from "./sign-in.ts";

/** Who does it to which account. */
export type Act = { accountId: string; actor: string; origin: Origin };

/** Writes down what an act has done. */
export const audited = (
  deps: AccountsDeps,
  tx: Queryable,
  done: Act & { action: string; detail?: Readonly<Record<string, unknown>> },
): Promise<void> =>
  deps.audit(tx, {
    atMs: done.origin.nowMs,
    actor: done.actor,
    action: done.action,
    outcome: "success",
    subject: done.accountId,
    ...originFields(done.origin),
    detail: done.detail ?? {},
  });

async function openAccount(tx: Queryable, id: string) {
  const account = await requireAccount(tx, id, "lock");
  if (account.closedAtMs === undefined) return account;
  throw new AppError("conflict", "This account is closed: nothing of it can be changed.");
}

/** @throws AppError not_found, conflict, precondition_failed */
export async function renameAccount(
  deps: AccountsDeps,
  tx: Queryable,
  of: Act & { name: string; ifMatch: number | undefined },
): Promise<Account> {
  const before = await openAccount(tx, of.accountId);
  checkVersion(of.ifMatch, before.version);
  const { name } = of;
  const after = await changeAccount(tx, of.accountId, { name, nowMs: of.origin.nowMs });
  if (after === undefined) throw notFound("account");
  await audited(deps, tx, { ...of, action: "account.change", detail: { fields: ["name"] } });
  return after;
}

/** A new password ends every other session, and voids links that could set one or lead to another address. */
export async function setPassword(
  deps: AccountsDeps,
  tx: Queryable,
  of: Act & { passwordHash: string; keepSession: string | undefined; action: string },
): Promise<string[]> {
  const account = await openAccount(tx, of.accountId);
  const { passwordHash, origin } = of;
  const { nowMs } = origin;
  await changeAccount(tx, of.accountId, { passwordHash, nowMs });
  await invalidateMailTokens(tx, of.accountId, nowMs);
  await sendSecurityNotice(deps, tx, { account, notice: "password" });
  await audited(deps, tx, of);
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
  of: Act & { ifMatch: number | undefined },
): Promise<string[]> {
  const before = await openAccount(tx, of.accountId);
  checkVersion(of.ifMatch, before.version);
  const { accountId, actor, origin } = of;
  const ended = await deps.sessions.end(tx, { accountId, reason: "account closed", origin, actor });
  await eraseAccount(tx, accountId, origin.nowMs);
  await deps.invalidateTokens(tx, accountId);
  await audited(deps, tx, { ...of, action: "account.close" });
  await deps.kit.publish(tx, {
    type: "account.closed",
    subject: accountId,
    atMs: origin.nowMs,
    traceId: origin.traceId,
    data: { accountId },
  });
  return ended;
}

/** Promises a mail to an address; once its link is used, the address is that of the account. */
export async function requestEmailVerification(
  deps: AccountsDeps,
  tx: Queryable,
  of: Act & { email: string | undefined },
): Promise<void> {
  const account = await openAccount(tx, of.accountId);
  const email = of.email ?? account.email ?? "";
  await enqueueLinkMail(deps, tx, { account, email, purpose: "verify", origin: of.origin });
  await audited(deps, tx, {
    ...of,
    action: "email.verification.ask",
    detail: { isNew: email !== account.email },
  });
}

/** @throws AppError bad_request for a link that is no good, conflict when the address was taken meanwhile */
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
  if (after === undefined) throw notFound("account");
  // Whoever has the old mailbox alone sets no password any more.
  if (before.email !== email) {
    await invalidateMailTokens(tx, accountId, origin.nowMs);
    await sendSecurityNotice(deps, tx, { account: before, notice: "address" });
  }
  const act = { accountId, actor: accountId, origin };
  await audited(deps, tx, {
    ...act,
    action: "email.verify",
    detail: { isNew: before.email !== email },
  });
  return after;
}

function takenAddress(error: unknown): never {
  if (!(error instanceof Error && "code" in error && error.code === "23505")) throw error;
  throw new AppError("conflict", "Another account has taken this address meanwhile.");
}

/**
 * Whoever opens the mail has the address, so it counts as verified, and the device becomes a known one. Had nobody
 * verified it before, anybody may have signed up with it and left a way in for later: passkeys and the second factor go.
 */
export async function resetPassword(
  deps: AccountsDeps,
  tx: Queryable,
  of: { token: string; passwordHash: string; origin: Origin },
): Promise<{ accountId: string; deviceToken: string; ended: string[] }> {
  const { origin, token, passwordHash } = of;
  const link = await consumeLink(deps, tx, { purpose: "reset", token, nowMs: origin.nowMs });
  const { accountId } = link;
  const act = {
    accountId,
    actor: accountId,
    origin,
    action: "password.reset",
    keepSession: undefined,
  };
  const account = await openAccount(tx, accountId);
  const ended = await setPassword(deps, tx, { ...act, passwordHash });
  if (!account.emailVerified) {
    await changeAccount(tx, accountId, { verifiedEmail: link.email, nowMs: origin.nowMs });
    await deleteCredentials(tx, accountId);
    await audited(deps, tx, { ...act, action: "account.reclaim" });
  }
  return { accountId, deviceToken: deviceTokenOf(deps.tokens, accountId, "mail"), ended };
}
