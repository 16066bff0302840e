import { setTimeout as delay } from "node:timers/promises";

import { openJournal } from "#deployer/journal/open-journal.ts";
import type { Journal } from "#deployer/journal/port.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

/** After this time another process that has the journal of the data folder is not one that is just ending. */
const JOURNAL_MS_MAX = 20_000;
const RETRY_MS = 250;

type Wanted = {
  dataFolder: string;
  databaseUrl: string | undefined;
  log: Log;
  /** Called once if another process has the journal, or PostgreSQL cannot be reached. */
  onWait(why: string): void;
};

/**
 * The journal, as soon as the writer before has ended; undefined if the signal aborts first. One in PostgreSQL is waited for without
 * an end: its writer may be on another machine, and this process takes over from it.
 * @throws AppError conflict if another process goes on with the journal of the data folder
 */
export async function takeJournal(
  { dataFolder, databaseUrl, log, onWait }: Wanted,
  signal: AbortSignal,
): Promise<Journal | undefined> {
  const untilMs = performance.now() + JOURNAL_MS_MAX;
  const wait = noteOnce(onWait, log);
  while (!signal.aborted) {
    try {
      const journal = await openJournal({ dataFolder, databaseUrl });
      if (journal !== undefined) return journal;
      if (databaseUrl !== undefined) {
        wait("Another process deploys. This one waits, and takes over when that one ends.");
      }
    } catch (error) {
      if (databaseUrl === undefined || error instanceof AppError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      wait(`The database of deploys cannot be reached (${why}); it is tried again.`);
    }
    if (databaseUrl === undefined && performance.now() > untilMs) {
      throw new AppError("conflict", `Another process runs the role deploys on ${dataFolder}.`);
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function noteOnce(onWait: (why: string) => void, log: Log): (why: string) => void {
  let last = "";
  return (why) => {
    if (why === last) return;
    last = why;
    log.info(why);
    onWait(why);
  };
}
