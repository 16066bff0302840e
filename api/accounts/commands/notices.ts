import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import { newId } from "#platform/ids.ts";
import type { JobHandlers } from "#platform/jobs/jobs.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { Account } from "../domain/account.ts";
import { NOTICES, type Notice, noticeText } from "../domain/notice.ts";
import type { Mailer } from "../mail/port.ts";

const JOB = "mail.notice";
const Payload = z.object({ id: z.string(), to: z.string(), notice: z.enum(NOTICES) });

/** Promises a mail to the owner of an account. Only to an address that is proven: nobody else's mailbox is filled. */
export async function notify(
  { kit }: { kit: Pick<Kit, "jobs"> },
  tx: Queryable,
  of: { account: Pick<Account, "email" | "emailVerified">; notice: Notice },
): Promise<void> {
  const { email: to, emailVerified } = of.account;
  if (to === undefined || !emailVerified) return;
  await kit.jobs.add(tx, { kind: JOB, payload: { id: newId("ntc"), to, notice: of.notice } });
}

/** Sends the promised notices. */
export const noticeJobs = ({ log }: Pick<Kit, "log">, mailer: Mailer): JobHandlers => ({
  async [JOB]({ payload }) {
    const { id, to, notice } = Payload.parse(payload);
    const result = await mailer.send({ id, to, ...noticeText(notice) });
    if (result === "sent") return;
    log.warn("a mail was refused for good", { "event.action": JOB, reason: result.refused });
  },
});
