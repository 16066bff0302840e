import type { JobHandlers } from "#platform/jobs/jobs.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import { writeAudit } from "../repositories/audit.ts";
import { forgetMailTokens } from "../repositories/mail-tokens.ts";
import { EXPIRED_BATCH, endExpired, forgetEndedSessions } from "../repositories/sessions.ts";
import { forgetThrottle } from "../repositories/throttle.ts";

const JOB = "housekeeping";
const EVERY_MS = 60_000;

/** Promised once for each minute, however many workers ask. */
export const promiseHousekeeping = (deps: AccountsDeps, tx: Queryable, nowMs: number) => {
  const minute = Math.floor(nowMs / EVERY_MS) + 1;
  return deps.kit.jobs.add(tx, {
    kind: JOB,
    payload: {},
    runAtMs: minute * EVERY_MS,
    key: `${JOB} ${minute}`,
  });
};

/** Ends sessions that have expired, says so, and forgets what is of no use any more. */
export function housekeepingJobs(deps: AccountsDeps): JobHandlers {
  const { database } = deps.kit;
  return {
    async [JOB]({ nowMs }) {
      await promiseHousekeeping(deps, database, nowMs);
      const origin = { address: "", userAgent: "", traceId: "", nowMs };
      // In batches, as many as there are: whatever piles up in a minute is gone in the next.
      for (let more = true; more;) {
        const ended = await database.transaction((tx) => expire(deps, tx, nowMs));
        for (const { accountId, id } of ended) deps.sessions.announceEnd(accountId, [id], origin);
        more = ended.length === EXPIRED_BATCH;
      }
      while (await forgetEndedSessions(database, nowMs));
      await forgetMailTokens(database, nowMs);
      await forgetThrottle(database, nowMs);
    },
  };
}

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
