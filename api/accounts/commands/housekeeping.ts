import type { PeriodicTask } from "#platform/jobs/periodic-tasks.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import { writeAudit } from "../repositories/audit.ts";
import { deleteExpiredMailTokens } from "../repositories/mail-tokens.ts";
import { EXPIRED_BATCH, endExpired, deleteOldSessions } from "../repositories/sessions.ts";
import { deleteFullBuckets } from "../repositories/throttle.ts";

const EVERY_MS = 60_000;

/** Ends expired sessions, and deletes data that is no longer needed. */
export const housekeeping = (deps: AccountsDeps): PeriodicTask => ({
  kind: "housekeeping",
  everyMs: EVERY_MS,
  async work({ nowMs }) {
    const { database } = deps.kit;
    const origin = { address: "", userAgent: "", traceId: "", nowMs };
    // In batches, so that no transaction is long, until nothing is left.
    for (let more = true; more;) {
      const ended = await database.transaction((tx) => expire(deps, tx, nowMs));
      for (const { accountId, id } of ended) deps.sessions.announceEnd(accountId, [id], origin);
      more = ended.length === EXPIRED_BATCH;
    }
    while (await deleteOldSessions(database, nowMs));
    await deleteExpiredMailTokens(database, nowMs);
    await deleteFullBuckets(database, nowMs);
    return "done";
  },
});

async function expire(deps: AccountsDeps, tx: Queryable, nowMs: number) {
  const ended = await endExpired(tx, nowMs);
  for (const { id: sessionId, accountId } of ended) {
    const detail = { sessionId, reason: "expired" };
    await writeAudit(tx, {
      atMs: nowMs,
      actor: "system",
      action: "session.end",
      outcome: "success",
      subject: accountId,
      detail,
    });
    await deps.kit.publish(tx, {
      type: "session.ended",
      subject: sessionId,
      atMs: nowMs,
      data: { accountId, ...detail },
    });
  }
  return ended;
}
