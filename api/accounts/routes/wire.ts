import { z } from "zod";

import { Email, Timestamp, idOf, text, iso } from "#platform/http/schema.ts";

import type { Account } from "../domain/account.ts";
import { PASSWORD_CHARS } from "../domain/password-policy.ts";
import type { Session } from "../domain/session.ts";
import { SIGN_IN_METHODS } from "../domain/sign-in-method.ts";

const AccountId = idOf("acc");
export const SessionId = idOf("ses");
/** Keys of a page: when it was made, and its id. */
export const ByTime = z.tuple([Timestamp, z.string().max(40)]);
export const AccountParams = z.strictObject({ accountId: AccountId });

export { Email };
export const NewPassword = text(PASSWORD_CHARS).meta({ example: "a long line of words" });
/** One that is only compared: any that could ever have been set, however its letters are typed (RFC 8265). */
export const Password = text({ max: 5 * PASSWORD_CHARS.max });
export const Otp = text({ max: 40 }).meta({ example: "123456" });
export const SealedToken = text({ max: 400 });

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

export const accountBody = (account: Account): z.input<typeof AccountBody> => ({
  id: account.id,
  email: account.email ?? null,
  emailVerified: account.emailVerified,
  name: account.name,
  createdAt: iso(account.createdAtMs),
  updatedAt: iso(account.updatedAtMs),
  closedAt: account.closedAtMs === undefined ? null : iso(account.closedAtMs),
  version: account.version,
});

export const SessionBody = z
  .strictObject({
    id: SessionId,
    accountId: AccountId,
    method: z.enum(SIGN_IN_METHODS),
    /** OIDC client that it belongs to, null for a sign-in at this API. */
    clientId: z.string().nullable(),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    userAgent: z.string(),
    address: z.string(),
    current: z.boolean(),
  })
  .meta({ id: "Session" });

export const sessionBody = (session: Session, currentId: string): z.input<typeof SessionBody> => ({
  id: session.id,
  accountId: session.accountId,
  method: session.method,
  clientId: session.clientId ?? null,
  createdAt: iso(session.createdAtMs),
  lastSeenAt: iso(session.lastSeenAtMs),
  expiresAt: iso(session.idleAtMs),
  userAgent: session.userAgent,
  address: session.address,
  current: session.id === currentId,
});

/** What a sign-in and a refresh give. */
export const TokensBody = z
  .strictObject({
    accessToken: z.string(),
    tokenType: z.literal("Bearer"),
    expiresInS: z.int(),
    refreshToken: z.string(),
    session: SessionBody,
    account: AccountBody,
    /** Keep it on the device and send it at the next sign-in; null where it was given before. */
    deviceToken: z.string().nullable(),
  })
  .meta({ id: "Tokens" });
