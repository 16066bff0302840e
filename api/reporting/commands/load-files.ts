import { randomUUID } from "node:crypto";

import type { Clock } from "#platform/clock.ts";
import type { Database } from "#platform/postgres/database.ts";

import { dayOf } from "../domain/facts.ts";
import type { LakeDuck } from "../repositories/lake-duck.ts";
import {
  addFiles,
  crowds,
  filesToLoad,
  markLoaded,
  removeFiles,
  sweepFolder,
} from "../repositories/lake-store.ts";
import type { Warehouse } from "../warehouse/port.ts";

/** A day in so many files is written anew as one. */
const FILES_CROWD = 8;
/** A month whose end is so long ago is one file. */
const MONTH_AFTER_MS = 35 * 86_400_000;
/** Files that are not in the list any more stay so long: a question that began before may still read them. */
const SWEEP_AFTER_MS = 3_600_000;

type LakeDeps = { database: Database; duck: LakeDuck; warehouse: Warehouse; clock: Clock };

/** Hands the warehouse the files that it has not taken in yet. Done twice, it counts once. */
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

/** Makes one file of a day's many, and of an old month's, and removes files that nothing names any more. */
export async function tidyLake({ database, duck, clock }: LakeDeps): Promise<void> {
  const monthsBefore = dayOf(clock.nowMs() - MONTH_AFTER_MS).slice(0, 7);
  const found = await crowds(database, { filesMin: FILES_CROWD, monthsBefore });
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
        // Somebody else took one of them out: their list is the true one, and our file is nobody's.
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
