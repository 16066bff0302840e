import { AppError } from "#platform/errors.ts";
import { TooManyRequests } from "#platform/http/rate-limit.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import {
  confirmTotp,
  deleteSecondFactor,
  enrolTotp,
  readTotp,
  replaceRecoveryCodes,
} from "../repositories/second-factors.ts";
import { returnTokens, takeTokens } from "../repositories/throttle.ts";
import { requireAccount } from "./accounts.ts";
import { type AccountAction, auditSuccess } from "./change-account.ts";
import { originFields } from "./check-credentials.ts";
import { sendSecurityNotice } from "./security-notices.ts";

const inUse = (): AppError =>
  new AppError("conflict", "An authenticator app is in use: remove it first.");

/** Creates a secret for the app, to be confirmed by a code. @throws AppError conflict */
export async function enrolAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  action: AccountAction,
): Promise<{ secret: string; uri: string }> {
  const account = await requireAccount(tx, action.accountId, "lock");
  const { stored, base32, uri } = deps.secondFactors.newSecret(account.email ?? account.id);
  const { nowMs } = action.origin;
  if (!(await enrolTotp(tx, { accountId: account.id, secret: stored, nowMs }))) throw inUse();
  await auditSuccess(deps, tx, { ...action, action: "second-factor.enrol" });
  return { secret: base32, uri };
}

/** Enables the second factor. @returns the recovery codes, which are not stored @throws AppError */
export async function confirmAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  action: AccountAction & { code: string },
): Promise<string[]> {
  const { accountId, origin } = action;
  await requireAccount(tx, accountId, "lock");
  const totp = await readTotp(tx, accountId);
  if (totp === undefined) {
    throw new AppError("conflict", "There is no authenticator app to confirm: enrol one first.");
  }
  if (totp.confirmedAtMs !== null) throw inUse();
  const step = deps.secondFactors.stepOf(totp.secret, action.code, origin.nowMs);
  if (step === undefined) throw new WrongCode();
  await confirmTotp(tx, { accountId, step, nowMs: origin.nowMs });
  await auditSuccess(deps, tx, { ...action, action: "second-factor.confirm" });
  return newCodes(deps, tx, accountId);
}

class WrongCode extends AppError {
  constructor() {
    const message = "this code is wrong or too old: use the current code of the app";
    super("bad_request", `code: ${message}.`, {
      fields: [{ path: "body.code", code: "wrong_code", message }],
    });
  }
}

/** Runs a write that requires a code. Wrong codes are throttled by session and audited, as at sign-in. */
export async function throttledByCode<T>(
  deps: AccountsDeps,
  action: AccountAction & { sessionId: string },
  write: () => Promise<T>,
): Promise<T> {
  const { database } = deps.kit;
  const { accountId, sessionId, actor, origin } = action;
  const buckets = deps.throttle.code({ accountId, deviceId: sessionId });
  const waitMs = await takeTokens(database, buckets, origin.nowMs);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
  try {
    const done = await write();
    await returnTokens(database, buckets, ["code"]);
    return done;
  } catch (error) {
    if (error instanceof WrongCode) {
      await deps.audit(database, {
        atMs: origin.nowMs,
        actor,
        action: "second-factor.code",
        outcome: "failure",
        subject: accountId,
        ...originFields(origin),
        detail: { reason: "wrong code" },
      });
    }
    throw error;
  }
}

async function newCodes(deps: AccountsDeps, tx: Queryable, accountId: string): Promise<string[]> {
  const codes = deps.secondFactors.newRecoveryCodes();
  const hashes = codes.map((it) => it.hash);
  await replaceRecoveryCodes(tx, accountId, hashes);
  return codes.map((it) => it.code);
}

/** Replaces the recovery codes; requires a code. */
export async function renewRecoveryCodes(
  deps: AccountsDeps,
  tx: Queryable,
  action: AccountAction & { code: string },
): Promise<string[]> {
  await consumeCode(deps, tx, action);
  await auditSuccess(deps, tx, { ...action, action: "second-factor.recovery-codes" });
  return newCodes(deps, tx, action.accountId);
}

/** Requires a code, after the password was confirmed. @throws AppError */
export async function removeAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  action: AccountAction & { code: string },
): Promise<void> {
  await consumeCode(deps, tx, action);
  await deleteSecondFactor(tx, action.accountId);
  const account = await requireAccount(tx, action.accountId);
  await sendSecurityNotice(deps, tx, { account, notice: "second-factor" });
  await auditSuccess(deps, tx, { ...action, action: "second-factor.remove" });
}

async function consumeCode(
  deps: AccountsDeps,
  tx: Queryable,
  { accountId, code, origin }: AccountAction & { code: string },
): Promise<void> {
  await requireAccount(tx, accountId, "lock");
  const factor = await deps.secondFactors.check(tx, { accountId, code, nowMs: origin.nowMs });
  if (factor === undefined) {
    throw new AppError("conflict", "There is no second factor.");
  }
  if (factor === "wrong" || factor === "needed") throw new WrongCode();
  if (!(await deps.secondFactors.use(tx, accountId, factor))) throw new WrongCode();
}
