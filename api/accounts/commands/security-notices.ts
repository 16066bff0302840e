import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type SecurityNotice, noticeText } from "../domain/security-notice.ts";
import type { AccountsKit } from "../kit.ts";
import type { Mailer } from "../mail/port.ts";
import type { Account } from "../repositories/accounts.ts";

/** Adds a mail to the owner of an account, if the address is verified: nobody else must get unsolicited mails. */
export async function sendSecurityNotice(
  { kit }: { kit: Pick<AccountsKit, "jobs"> },
  tx: Queryable,
  of: { account: Pick<Account, "email" | "emailVerified">; notice: SecurityNotice },
): Promise<void> {
  const { email: to, emailVerified } = of.account;
  if (to === undefined || !emailVerified) return;
  const payload = { id: newId("ntc"), to, notice: of.notice };
  await kit.jobs.add(tx, { kind: "mail.notice", payload });
}

export async function sendNoticeMail(
  { kit, mailer }: { kit: Pick<AccountsKit, "log">; mailer: Mailer },
  { id, to, notice }: { id: string; to: string; notice: SecurityNotice },
): Promise<void> {
  const result = await mailer.send({ id, to, ...noticeText(notice) });
  if (result === "sent") return;
  const reason = result.refused;
  kit.log.warn("a mail was rejected permanently", { "event.action": "mail.notice", reason });
}
