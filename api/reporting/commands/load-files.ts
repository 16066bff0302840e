import { randomUUID } from "node:crypto";

import type { Clock } from "#platform/clock.ts";
import type { Database } from "#platform/postgres/database.ts";

import { dayOf } from "../domain/facts.ts";
import type { LakeDuck } from "../repositories/lake-duck.ts";
import {
  addFiles,
  compactionCandidates,
  filesToLoad,
  markLoaded,
  removeFiles,
  sweepFolder,
} from "../repositories/lake-store.ts";
import type { Warehouse } from "../warehouse/port.ts";

/** A day in this many files is compacted into one. */
const COMPACT_FILES_MIN = 8;
/** A month that ended this long ago is compacted into one file. */
const MONTH_AFTER_MS = 35 * 86_400_000;
/** Grace period before unlisted files are deleted, since a running query may still read them. */
const SWEEP_AFTER_MS = 3_600_000;

type LakeDeps = { database: Database; duck: LakeDuck; warehouse: Warehouse; clock: Clock };

/** Loads new files into the warehouse. Idempotent. */
export async function loadFiles({ database, warehouse, clock }: LakeDeps): Promise<void> {
  for (;;) {
    const files = await filesToLoad(database);
    if (files.length === 0) return;
    for (const file of files) {
      await warehouse.load(file.fact, [file]);
      await markLoaded(database, [file.id], clock.nowMs());
    }
  }
}

/** Compacts the files of a day or an old month, and deletes unreferenced files. */
export async function compactLake({ database, duck, clock }: LakeDeps): Promise<void> {
  const monthsBefore = dayOf(clock.nowMs() - MONTH_AFTER_MS).slice(0, 7);
  const found = await compactionCandidates(database, { filesMin: COMPACT_FILES_MIN, monthsBefore });
  for (const { fact, period: day, files } of found) {
    const id = `file_${randomUUID().replaceAll("-", "")}`;
    const path = `${fact}/${day}/${id}.parquet`;
    const paths = files.map((file) => file.path);
    const bytes = await duck.merge(path, paths);
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const ids = files.map((file) => file.id);
    const nowMs = clock.nowMs();
    await database
      .transaction(async (tx) => {
        // Another process has removed one of them from the list: our file stays unreferenced.
        if (!(await removeFiles(tx, ids))) throw new LostRace();
        await addFiles(tx, [{ id, fact, day, path, rows, bytes }], { nowMs, loaded: true });
      })
      .catch((error: unknown) => {
        if (!(error instanceof LostRace)) throw error;
      });
  }
  await sweepFolder(database, duck.folder, SWEEP_AFTER_MS);
}

class LostRace extends Error {}
