import { AppError } from "#platform/errors.ts";
import { TooManyRequests } from "#platform/http/rate-limit.ts";
import { newId } from "#platform/ids.ts";
import { checkNewPassword } from "#platform/passwords/new-password.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import type { Origin } from "../domain/origin.ts";
import { type Account, insertAccount } from "../repositories/accounts.ts";
import { returnTokens, takeTokens } from "../repositories/throttle.ts";
import { originFields } from "./check-credentials.ts";
import { enqueueLinkMail } from "./mail-links.ts";

export type SignUp = { email: string; password: string; name: string };

/**
 * Hashes the password before the transaction, and limits sign-ups with taken addresses by source, as they reveal
 * accounts.
 */
export async function prepareSignUp(
  deps: AccountsDeps,
  request: SignUp,
  origin: Origin,
): Promise<{ passwordHash: string; mayMail: boolean }> {
  await checkNewPassword(request.password, request);
  const buckets = deps.throttle.probing(origin.address);
  const waitMs = await takeTokens(deps.kit.database, buckets, origin.nowMs);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
  const passwordHash = await deps.passwords.hash(request.password);
  // Repeated sign-ups must not flood a mailbox; the mail can be requested later.
  const mailbox = deps.throttle.mailbox(request.email);
  return {
    passwordHash,
    mayMail: (await takeTokens(deps.kit.database, mailbox, origin.nowMs)) === 0,
  };
}

/** @throws AppError conflict if the address is taken */
export async function signUp(
  deps: AccountsDeps,
  tx: Queryable,
  of: SignUp & { passwordHash: string; mayMail: boolean; origin: Origin },
): Promise<Account> {
  const { origin, email, name, passwordHash } = of;
  const { nowMs, traceId } = origin;
  const account = await insertAccount(tx, { id: newId("acc"), email, name, passwordHash, nowMs });
  if (account === undefined) {
    const message = "there is an account with this address: sign in, or reset its password";
    throw new AppError("conflict", `email: ${message}.`, {
      fields: [{ path: "body.email", code: "taken", message }],
    });
  }
  await returnTokens(tx, deps.throttle.probing(origin.address), []);
  await deps.audit(tx, {
    atMs: nowMs,
    actor: account.id,
    action: "account.create",
    outcome: "success",
    subject: account.id,
    ...originFields(origin),
  });
  await deps.kit.publish(tx, {
    type: "account.created",
    subject: account.id,
    atMs: nowMs,
    traceId,
    data: { accountId: account.id },
  });
  if (of.mayMail) await enqueueLinkMail(deps, tx, { account, email, purpose: "verify", origin });
  return account;
}
