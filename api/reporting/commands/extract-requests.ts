import { dayOf } from "../domain/facts.ts";
import type { RequestCount, RequestLog } from "../domain/request-log.ts";
import { listExtracts, moveCursor } from "../repositories/extracts-store.ts";
import { addFiles, removeDay, requestsOfDay, writeFacts } from "../repositories/lake-store.ts";
import type { ExtractDeps } from "./extract-events.ts";

const DAY_MS = 86_400_000;
/** Log lines may arrive this many days late. */
const LATE_DAYS = 2;

/**
 * Counts a day of the access log again and replaces the stored counts, unless there are now fewer, because the log may
 * expire events earlier than reports need them. The cursor is the next day to count; having reached today it goes back
 * LATE_DAYS for late lines.
 * @returns whether there is another day to count
 */
export async function extractRequests(deps: ExtractDeps, requestLog: RequestLog): Promise<boolean> {
  const extents = await requestLog.extent();
  if (extents === undefined) return false;
  const nowMs = deps.clock.nowMs();
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const known = (await listExtracts(deps.database)).find(({ source }) => source === "logs");
  const from = known?.cursor ?? null;
  const dayMs = dayToCount(from, { oldestMs: extents.fromMs, today });
  const counts = await requestLog.requests({ fromMs: dayMs, toMs: dayMs + DAY_MS });
  const day = dayOf(dayMs);
  const found = counts.reduce((sum, { requests }) => sum + requests, 0);
  const isMore = found > 0 && found >= (await requestsOfDay(deps.database, deps.duck, day));
  const file = isMore ? [await writeFacts(deps.duck, batchOf(day, counts))] : [];
  const isToday = dayMs === today;
  const moved = await deps.database.transaction(async (tx) => {
    const progress = {
      source: "logs" as const,
      from,
      to: dayOf(isToday ? today - LATE_DAYS * DAY_MS : dayMs + DAY_MS),
      dataUntilMs: isToday ? Math.min(nowMs, extents.toMs + 1) : dayMs + DAY_MS,
      nowMs,
      facts: counts.length,
      rejected: 0,
      lastRejected: undefined,
    };
    if (!(await moveCursor(tx, progress))) return false;
    if (isMore) await removeDay(tx, "requests", day);
    await addFiles(tx, file, { nowMs });
    return true;
  });
  return moved && !isToday;
}

function dayToCount(
  cursor: string | null,
  { oldestMs, today }: { oldestMs: number; today: number },
): number {
  const oldest = Math.floor(oldestMs / DAY_MS) * DAY_MS;
  const next = cursor === null ? oldest : Math.max(Date.parse(cursor), oldest);
  return Math.min(next, today);
}

const batchOf = (day: string, counts: readonly RequestCount[]) => ({
  fact: "requests" as const,
  day,
  rows: counts.map(({ hourMs, ...rest }) => ({ day, happened_at: hourMs, ...rest })),
});
