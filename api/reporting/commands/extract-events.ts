import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import type { Database } from "#platform/postgres/database.ts";

import { type EventFact, type FeedEvent, factOf } from "../domain/events.ts";
import { batchByDay } from "../domain/facts.ts";
import type { Feed } from "../domain/feed.ts";
import { listExtracts, moveCursor } from "../repositories/extracts-store.ts";
import type { LakeDuck } from "../repositories/lake-duck.ts";
import { type NewFile, addFiles, writeFacts } from "../repositories/lake-store.ts";

const EVENTS_MAX = 2_000;
/** A feed withholds events while transactions that began earlier are open, at most for the statement time limit. */
const HELD_BACK_MS = 30_000;

export type ExtractDeps = {
  database: Database;
  duck: LakeDuck;
  clock: Clock;
  log: Log;
  hashUser(accountId: string): string;
};

type EventSource = { source: "billing" | "accounts"; feed: Feed };

/**
 * Reads up to EVENTS_MAX new events into the lake. The files are written first, then committed together with the
 * cursor: a crash or a concurrent read leaves only unreferenced files. Every event is therefore stored exactly once,
 * however often it is read.
 * @returns whether there is more to read
 */
export async function extractEvents(
  deps: ExtractDeps,
  { source, feed }: EventSource,
): Promise<boolean> {
  const extracts = await listExtracts(deps.database);
  const from = extracts.find((it) => it.source === source)?.cursor ?? null;
  const readAtMs = deps.clock.nowMs();
  const read = await readEvents(feed, from);
  const facts = read.events.map((event) => factOf(source, event, deps.hashUser));
  const rejected = facts.filter((it) => it.kind === "rejected");
  for (const { reason } of rejected)
    deps.log.warn("an event does not match the schema of its fact", { source, reason });
  const files: NewFile[] = [];
  const rows = facts.filter((it) => it.kind === "fact");
  for (const batch of batchByDay(rows)) files.push(await writeFacts(deps.duck, batch));
  const last = read.events.at(-1);
  const moved = await deps.database.transaction(async (tx) => {
    const progress = {
      source,
      from,
      to: read.cursor,
      dataUntilMs: read.atEnd
        ? readAtMs - HELD_BACK_MS
        : last === undefined
          ? null
          : Date.parse(last.at),
      nowMs: deps.clock.nowMs(),
      facts: rows.length,
      rejected: rejected.length,
      lastRejected: lastReason(rejected),
    };
    if (!(await moveCursor(tx, progress))) return false;
    await addFiles(tx, files, { nowMs: progress.nowMs });
    return true;
  });
  return moved && !read.atEnd;
}

const lastReason = (rejected: readonly EventFact[]): string | undefined => {
  const last = rejected.at(-1);
  return last?.kind === "rejected" ? last.reason.slice(0, 1_000) : undefined;
};

async function readEvents(
  feed: Feed,
  from: string | null,
): Promise<{ events: FeedEvent[]; cursor: string | null; atEnd: boolean }> {
  const events: FeedEvent[] = [];
  let cursor = from;
  while (events.length < EVENTS_MAX) {
    const page = await feed(cursor);
    if (page.items.length === 0) return { events, cursor, atEnd: true };
    events.push(...page.items);
    if (page.next === null || page.next === cursor) {
      throw new Error("the feed returned events without a cursor");
    }
    cursor = page.next;
  }
  return { events, cursor, atEnd: false };
}
