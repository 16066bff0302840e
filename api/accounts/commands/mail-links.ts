import { AppError } from "#platform/errors.ts";
import { TooManyRequests } from "#platform/http/rate-limit.ts";
import { newId } from "#platform/ids.ts";
import type { JobRun } from "#platform/jobs/define-job.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import { LINK_KIND, LINK_LIFETIME_MS, type LinkPurpose, mailText } from "../domain/mail-link.ts";
import type { Origin } from "../domain/origin.ts";
import type { Mailer } from "../mail/port.ts";
import { findAccount } from "../repositories/accounts.ts";
import {
  type MailToken,
  insertMailToken,
  findMailToken,
  consumeMailToken,
} from "../repositories/mail-tokens.ts";
import { takeTokens } from "../repositories/throttle.ts";

/** Limits mails by address and by source. @throws TooManyRequests */
export async function limitMails(deps: AccountsDeps, email: string, origin: Origin): Promise<void> {
  const buckets = deps.throttle.mailing({ email, address: origin.address });
  const waitMs = await takeTokens(deps.kit.database, buckets, origin.nowMs);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
}

/** Enqueues a mail with a link. Neither the job nor the table contains the token of the link. */
export async function enqueueLinkMail(
  deps: AccountsDeps,
  tx: Queryable,
  of: { account: { id: string }; email: string; purpose: LinkPurpose; origin: Origin },
): Promise<void> {
  const { purpose, email } = of;
  const { nowMs } = of.origin;
  const id = newId("mlt");
  const expiresAtMs = nowMs + LINK_LIFETIME_MS[purpose];
  const token = { id, accountId: of.account.id, purpose, email, createdAtMs: nowMs, expiresAtMs };
  await insertMailToken(tx, token);
  await deps.kit.jobs.add(tx, { kind: "mail.link", payload: { tokenId: id } });
}

/** Does the same work without an account, so that the response time does not reveal accounts. */
export const enqueueDummyMail = ({ kit }: AccountsDeps, tx: Queryable): Promise<void> =>
  kit.jobs.add(tx, { kind: "mail.link", payload: { tokenId: newId("mlt") } });

export async function sendLinkMail(
  deps: AccountsDeps & { mailer: Mailer },
  { tokenId }: { tokenId: string },
  { nowMs }: JobRun,
): Promise<void> {
  const { database, url, log } = deps.kit;
  const link = await findMailToken(database, tokenId);
  if (link === undefined || link.usedAtMs !== null || link.expiresAtMs <= nowMs) return;
  const account = await findAccount(database, link.accountId);
  if (account === undefined || account.closedAtMs !== undefined) return;
  const token = deps.tokens.seal(LINK_KIND[link.purpose], link.id);
  const text = mailText(link.purpose, { name: account.name, token, url });
  const result = await deps.mailer.send({ id: link.id, to: link.email, ...text });
  if (result === "sent") return;
  const reason = result.refused;
  log.warn("a mail was rejected permanently", { "event.action": "mail.link", reason });
  await deps.audit(database, {
    atMs: nowMs,
    actor: "system",
    action: "mail.send",
    outcome: "failure",
    subject: account.id,
    detail: { purpose: link.purpose, reason },
    onceKey: `mail refused ${link.id}`,
  });
}

/** The link of an authentic token, used or not. @throws AppError bad_request */
export async function findLink(
  deps: AccountsDeps,
  of: { purpose: LinkPurpose; token: string },
): Promise<MailToken> {
  const id = deps.tokens.open(LINK_KIND[of.purpose], of.token);
  const link = id === undefined ? undefined : await findMailToken(deps.kit.database, id);
  if (link?.purpose === of.purpose) return link;
  throw unusable();
}

/** Uses a valid link. @throws AppError bad_request */
export async function consumeLink(
  deps: AccountsDeps,
  tx: Queryable,
  of: { purpose: LinkPurpose; token: string; nowMs: number },
): Promise<MailToken> {
  const id = deps.tokens.open(LINK_KIND[of.purpose], of.token);
  const used = id === undefined ? undefined : await consumeMailToken(tx, id, of);
  if (used !== undefined) return used;
  throw unusable();
}

function unusable(): AppError {
  const message = "this link is invalid, was used, or has expired: request a new one";
  return new AppError("bad_request", `token: ${message}.`, {
    fields: [{ path: "body.token", code: "unusable_token", message }],
  });
}
