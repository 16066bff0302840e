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
import { type Act, audited } from "./change-account.ts";
import { originFields } from "./check-credentials.ts";
import { sendSecurityNotice } from "./security-notices.ts";
import { requireAccount } from "./sign-in.ts";

const inUse = (): AppError =>
  new AppError("conflict", "An authenticator app is in use already: take it away first.");

/** A secret for the app; it counts once a code of it was shown. @throws AppError conflict */
export async function enrolAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  act: Act,
): Promise<{ secret: string; uri: string }> {
  const account = await requireAccount(tx, act.accountId, "lock");
  const { stored, base32, uri } = deps.secondFactors.newSecret(account.email ?? account.id);
  const { nowMs } = act.origin;
  if (!(await enrolTotp(tx, { accountId: account.id, secret: stored, nowMs }))) throw inUse();
  await audited(deps, tx, { ...act, action: "second-factor.enrol" });
  return { secret: base32, uri };
}

/** From now on a code is asked for; the recovery codes are shown this once. @throws AppError */
export async function confirmAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  act: Act & { code: string },
): Promise<string[]> {
  const { accountId, origin } = act;
  await requireAccount(tx, accountId, "lock");
  const totp = await readTotp(tx, accountId);
  if (totp === undefined) {
    throw new AppError("conflict", "There is no authenticator app to confirm: enrol one first.");
  }
  if (totp.isConfirmed) throw inUse();
  const step = deps.secondFactors.stepOf(totp.secret, act.code, origin.nowMs);
  if (step === undefined) throw new WrongCode();
  await confirmTotp(tx, { accountId, step, nowMs: origin.nowMs });
  await audited(deps, tx, { ...act, action: "second-factor.confirm" });
  return newCodes(deps, tx, accountId);
}

/** Wrong here is a mistake in the body, not a failed sign-in. */
class WrongCode extends AppError {
  constructor() {
    const message = "this code is wrong or too old: take the one that the app shows now";
    super("bad_request", `code: ${message}.`, {
      fields: [{ path: "body.code", code: "wrong_code", message }],
    });
  }
}

/**
 * Runs a write that a code allows. Wrong codes are throttled as at sign-in, by session, else whoever has the password
 * and a session would guess here what cannot be guessed there; they are written down too.
 */
export async function throttledByCode<T>(
  deps: AccountsDeps,
  act: Act & { sessionId: string },
  write: () => Promise<T>,
): Promise<T> {
  const { database } = deps.kit;
  const { accountId, sessionId, actor, origin } = act;
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
  await replaceRecoveryCodes(
    tx,
    accountId,
    codes.map((it) => it.hash),
  );
  return codes.map((it) => it.code);
}

/** New recovery codes, for one code. */
export async function renewRecoveryCodes(
  deps: AccountsDeps,
  tx: Queryable,
  act: Act & { code: string },
): Promise<string[]> {
  await consumeCode(deps, tx, act);
  await audited(deps, tx, { ...act, action: "second-factor.recovery-codes" });
  return newCodes(deps, tx, act.accountId);
}

/** The password was asked for before. @throws AppError */
export async function removeAuthenticator(
  deps: AccountsDeps,
  tx: Queryable,
  act: Act & { code: string },
): Promise<void> {
  await consumeCode(deps, tx, act);
  await deleteSecondFactor(tx, act.accountId);
  const account = await requireAccount(tx, act.accountId);
  await sendSecurityNotice(deps, tx, { account, notice: "second-factor" });
  await audited(deps, tx, { ...act, action: "second-factor.remove" });
}

async function consumeCode(
  deps: AccountsDeps,
  tx: Queryable,
  { accountId, code, origin }: Act & { code: string },
): Promise<void> {
  await requireAccount(tx, accountId, "lock");
  const factor = await deps.secondFactors.check(tx, { accountId, code, nowMs: origin.nowMs });
  if (factor === undefined) {
    throw new AppError("conflict", "There is no second factor: nothing to change.");
  }
  if (factor === "wrong" || factor === "needed") throw new WrongCode();
  if (!(await deps.secondFactors.use(tx, accountId, factor))) throw new WrongCode();
}
