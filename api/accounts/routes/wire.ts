import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { Email, Timestamp, idOf, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import { PASSWORD_CHARS } from "#platform/passwords/password-rule.ts";

import type { CallContext, CommandDeps } from "../commands/call-context.ts";
import { PERMISSION } from "../domain/grants.ts";
import { SIGN_IN_METHODS } from "../domain/sign-in-method.ts";
import type { Account } from "../repositories/accounts.ts";
import type { Session } from "../repositories/sessions.ts";

const AccountId = idOf("acc");
export const SessionId = idOf("ses");
export const AccountParams = z.strictObject({ accountId: AccountId });

export { Email };
/** Accepts any password that could have been set, in every normalisation form (RFC 8265). */
export const Password = text({ max: 5 * PASSWORD_CHARS.max });
export const Otp = text({ max: 40 }).meta({ example: "123456" });
export const SealedToken = text({ max: 400 });

const PermissionName = z
  .string()
  .max(200)
  .regex(PERMISSION, {
    error: "give service:resource:action, service:resource:action/scope or service:*",
  })
  .meta({ example: "billing:refunds:write" });

/** Sorted and without duplicates. */
export const PermissionNames = z
  .array(PermissionName)
  .max(200)
  .transform((it) => [...new Set(it)].toSorted());

export const Slug = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, {
    error: "give 1 to 40 lower-case letters, digits and hyphens, starting with a letter",
  })
  .meta({ example: "web-shop" });

export const SubjectId = z
  .string()
  .regex(/^(?:acc|svc)_[0-9a-f]{24}$/, { error: "give an id that begins with acc_ or svc_" })
  .meta({ example: `acc_${"0".repeat(24)}` });

export const Description = text({ min: 0, max: 500 });

/** A point in time, parsed to epoch ms. */
export const Until = Timestamp.transform((it) => Date.parse(it));

/** Cursor of lists that are sorted by name. */
export const ByName = z.tuple([z.string().max(100)]);

export const AccountBody = z
  .strictObject({
    id: AccountId,
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    name: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
    version: z.int(),
  })
  .meta({ id: "Account" });

export const accountBody = (account: Account) =>
  toBody(AccountBody, {
    ...account,
    email: account.email ?? null,
    closedAtMs: account.closedAtMs ?? null,
  });

export const SessionBody = z
  .strictObject({
    id: SessionId,
    accountId: AccountId,
    method: z.enum(SIGN_IN_METHODS),
    /** null for a sign-in without an OIDC client. */
    clientId: z.string().nullable(),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    userAgent: z.string(),
    address: z.string(),
    current: z.boolean(),
  })
  .meta({ id: "Session" });

export const sessionBody = (session: Session, currentId: string) =>
  toBody(SessionBody, {
    ...session,
    clientId: session.clientId ?? null,
    expiresAtMs: session.idleAtMs,
    current: session.id === currentId,
  });

export const TokensBody = z
  .strictObject({
    accessToken: z.string(),
    tokenType: z.literal("Bearer"),
    expiresInS: z.int(),
    refreshToken: z.string(),
    session: SessionBody,
    account: AccountBody,
    /** To be stored on the device and sent at the next sign-in; null after a refresh. */
    deviceToken: z.string().nullable(),
  })
  .meta({ id: "Tokens" });

type Issued = { accessToken: string; expiresInS: number; refreshToken: string };

export const tokensBody = (
  { accessToken, expiresInS, refreshToken }: Issued,
  session: Session,
  { account, deviceToken }: { account: Account; deviceToken: string | null },
): z.input<typeof TokensBody> => ({
  accessToken,
  tokenType: "Bearer",
  expiresInS,
  refreshToken,
  session: sessionBody(session, session.id),
  account: accountBody(account),
  deviceToken,
});

/** Audits a refused delegation of permissions. */
export async function auditRefusal<Result>(
  deps: CommandDeps,
  call: CallContext,
  response: Promise<Result>,
): Promise<Result> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof AppError && error.code === "forbidden") {
      await deps.audit(deps.kit.database, call, {
        action: "grant.refuse",
        outcome: "failure",
        target: call.caller.id,
        detail: { why: error.message },
      });
    }
    throw error;
  }
}
