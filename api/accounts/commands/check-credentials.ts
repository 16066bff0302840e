import { AppError } from "#platform/errors.ts";
import { TooManyRequests } from "#platform/http/rate-limit.ts";
import type { Database } from "#platform/postgres/database.ts";
import { sourceOf } from "#platform/source-of.ts";

import type { AuditEntry } from "../domain/audit-entry.ts";
import type { Origin } from "../domain/origin.ts";
import type { SealedTokens } from "../domain/sealed-token.ts";
import type { SignInMethod } from "../domain/sign-in-method.ts";
import { type Bucket, type Throttle } from "../domain/throttle.ts";
import { type Account, findAccountByEmail, findAccount } from "../repositories/accounts.ts";
import { writeAudit } from "../repositories/audit.ts";
import { returnTokens, takeTokens } from "../repositories/throttle.ts";
import { codeDeviceOf, deviceOf } from "./device-tokens.ts";
import type { Passwords } from "./passwords.ts";
import type { SecondFactors, UsableCode } from "./second-factor.ts";
import type { SignInLog } from "./sign-in-log.ts";

export type Credentials = {
  email: string;
  password: string;
  /** A code of the authenticator app, or a recovery code. */
  otp?: string | undefined;
  deviceToken?: string | undefined;
  origin: Origin;
};

export type CheckedCredentials = {
  account: { id: string; name: string };
  method: SignInMethod;
  /** The hash that the password was compared with; no session starts after it has changed. */
  passwordHash: string | undefined;
  secondFactor: UsableCode | undefined;
};

/** The password was right, but the account also requires a code. */
export class SecondFactorRequired extends AppError {
  constructor() {
    const message = "also send `otp`: the code of the authenticator app, or a recovery code";
    super("unauthenticated", `A second factor is required: ${message}.`, {
      fields: [{ path: "body.otp", code: "second_factor_required", message }],
    });
  }
}

export type CheckDeps = {
  database: Database;
  passwords: Passwords;
  throttle: Throttle;
  tokens: SealedTokens;
  secondFactors: SecondFactors;
  signInLog: SignInLog;
};

const MINUTE_MS = 60_000;

/** Wrong passwords and unknown addresses get the same response in the same time. */
export async function checkCredentials(
  deps: CheckDeps,
  credentials: Credentials,
): Promise<CheckedCredentials> {
  const { email, password, otp, origin } = credentials;
  const account = await findAccountByEmail(deps.database, email);
  const deviceId = deviceOf(deps.tokens, account, credentials.deviceToken);
  const buckets = deps.throttle.signIn({ email, address: origin.address, deviceId });
  await limitAttempts(deps, buckets, { account, origin });
  const refuse = (reason: string, error: AppError) =>
    refused(deps, { account, reason, origin, error });
  if (!(await deps.passwords.verify(password, account?.passwordHash)) || account === undefined) {
    return refuse("wrong password", wrongCredentials());
  }
  const factor = await checkCode(deps, { account, otp, deviceId, origin });
  // Success resets the pair of account and source, or the device; other buckets get their token back.
  await returnTokens(deps.database, buckets, ["pair", "device"]);
  return {
    account: { id: account.id, name: account.name },
    method: methodOf(factor),
    passwordHash: account.passwordHash,
    secondFactor: factor,
  };
}

async function checkCode(
  deps: CheckDeps,
  of: {
    account: Account;
    otp: string | undefined;
    deviceId: string | undefined;
    origin: Origin;
  },
): Promise<UsableCode | undefined> {
  const { account, otp, origin } = of;
  const deviceId = codeDeviceOf(of.deviceId);
  const buckets = deps.throttle.code({ accountId: account.id, deviceId });
  if (otp !== undefined) await limitAttempts(deps, buckets, { account, origin });
  const check = { accountId: account.id, code: otp, nowMs: origin.nowMs };
  const factor = await deps.secondFactors.check(deps.database, check);
  if (factor === "needed") {
    // Audited, as somebody has the password.
    await writeAudit(deps.database, attempt(of, "second factor needed"));
    throw new SecondFactorRequired();
  }
  if (factor === "wrong") {
    return refused(deps, { account, reason: "wrong code", origin, error: wrongCode() });
  }
  if (otp !== undefined)
    await returnTokens(deps.database, buckets, deviceId === undefined ? [] : ["code"]);
  return factor;
}

const methodOf = (factor: UsableCode | undefined): SignInMethod =>
  factor === undefined ? "password" : factor.kind === "totp" ? "password+otp" : "password+recovery";

export const wrongCredentials = (): AppError =>
  new AppError("unauthenticated", "The e-mail address or the password is wrong.");

const wrongCode = (): AppError => {
  const message = "this code is wrong, too old, or was used before: use the next one";
  return new AppError("unauthenticated", `otp: ${message}.`, {
    fields: [{ path: "body.otp", code: "wrong_code", message }],
  });
};

type Subject = { account: Account | undefined; origin: Origin };

async function limitAttempts(
  deps: CheckDeps,
  buckets: readonly Bucket[],
  { account, origin }: Subject,
): Promise<void> {
  const waitMs = await takeTokens(deps.database, buckets, origin.nowMs);
  if (waitMs === 0) return;
  const reason = "too many tries";
  const minute = Math.floor(origin.nowMs / MINUTE_MS);
  await refused(deps, {
    account,
    reason,
    origin,
    error: new TooManyRequests(waitMs),
    // Continued guessing is audited once per minute and source, so that it cannot fill the audit trail.
    onceKey: `throttled ${account?.id ?? "nobody"} ${sourceOf(origin.address)} ${minute}`,
  });
}

const attempt = ({ account, origin }: Subject, reason: string): AuditEntry => ({
  atMs: origin.nowMs,
  actor: "anonymous",
  action: "session.start",
  outcome: "failure",
  subject: account?.id,
  ...originFields(origin),
  detail: { reason },
});

/** Audits and logs a refusal, and throws its error. */
export async function refused(
  deps: Pick<CheckDeps, "database" | "signInLog">,
  it: Subject & { reason: string; error: AppError; onceKey?: string },
): Promise<never> {
  const { account, reason, origin } = it;
  await writeAudit(deps.database, {
    ...attempt(it, reason),
    ...(it.onceKey === undefined ? {} : { onceKey: it.onceKey }),
  });
  deps.signInLog.refused(account?.id, reason, origin);
  throw it.error;
}

export const originFields = ({ address, userAgent, traceId }: Origin) => ({
  address,
  userAgent,
  traceId,
});

/** Confirms the password within a session, throttled by session. */
export async function confirmPassword(
  deps: CheckDeps,
  of: { accountId: string; sessionId: string; password: string; origin: Origin },
): Promise<void> {
  const { database } = deps;
  const buckets = deps.throttle.confirming(of.accountId, of.sessionId);
  const waitMs = await takeTokens(database, buckets, of.origin.nowMs);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
  const account = await findAccount(database, of.accountId);
  if (await deps.passwords.verify(of.password, account?.passwordHash)) {
    await returnTokens(database, buckets, ["device"]);
    return;
  }
  await writeAudit(database, {
    atMs: of.origin.nowMs,
    actor: of.accountId,
    action: "password.confirm",
    outcome: "failure",
    subject: of.accountId,
    ...originFields(of.origin),
  });
  const message = "this is not the password of the account";
  throw new AppError("forbidden", `password: ${message}.`, {
    fields: [{ path: "body.password", code: "wrong_password", message }],
  });
}
