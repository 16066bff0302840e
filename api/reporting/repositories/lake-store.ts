import { randomUUID } from "node:crypto";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { FACTS, type FactBatch, type FactName, type Source, isFactName } from "../domain/facts.ts";
import { type DuckCell, type LakeDuck, filesSql } from "./lake-duck.ts";

const TYPES = { text: "VARCHAR", integer: "BIGINT", time: "TIMESTAMP" } as const;

/** A file in the lake, or written but not yet listed. */
export type NewFile = {
  id: string;
  fact: FactName;
  day: string;
  path: string;
  rows: number;
  bytes: number;
};

/**
 * Writes rows to a file that becomes part of the lake when `addFiles` commits. After a crash before that,
 * `sweepFolder` removes the unlisted file.
 */
export async function writeFacts(duck: LakeDuck, batch: FactBatch): Promise<NewFile> {
  const { fact, day } = batch;
  const { columns } = FACTS[fact];
  const id = `file_${randomUUID().replaceAll("-", "")}`;
  const to = `${fact}/${day}/${id}.parquet`;
  const bytes = await duck.write(
    to,
    columns.map(({ name, type }) => ({ name, type: TYPES[type] })),
    batch.rows.map((row) => columns.map(({ name }): DuckCell => row[name] ?? null)),
  );
  return { id, fact, day, path: to, rows: batch.rows.length, bytes };
}

export async function addFiles(
  tx: Queryable,
  files: readonly NewFile[],
  { nowMs, loaded = false }: { nowMs: number; loaded?: boolean },
): Promise<void> {
  for (const { id, fact, day, path: at, rows, bytes } of files) {
    await tx.query(
      `INSERT INTO lake_files (id, fact, day, path, rows, bytes, created_at, loaded_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [id, fact, day, at, rows, bytes, new Date(nowMs), loaded ? new Date(nowMs) : null],
    );
  }
}

/** The number of requests of a day in the lake. */
export async function requestsOfDay(db: Queryable, duck: LakeDuck, day: string): Promise<number> {
  const rows = await db.query("SELECT path FROM lake_files WHERE fact = 'requests' AND day = $1", [
    day,
  ]);
  if (rows.length === 0) return 0;
  const files = rows.map((row) => String(row["path"]));
  const sql = `SELECT COALESCE(SUM(requests), 0) FROM ${filesSql(duck.folder, files)}`;
  const [sums] = await duck.rows(sql, [], { rowsMax: 1, waitMsMax: 10_000 });
  return Number(sums?.[0]);
}

/** Unlists the files of a day, so that others can replace them. */
export async function removeDay(tx: Queryable, fact: FactName, day: string): Promise<void> {
  await tx.query("DELETE FROM lake_files WHERE fact = $1 AND day = $2", [fact, day]);
}

/** Unlists files; false (and the caller must roll back) when one of them is already unlisted. */
export async function removeFiles(tx: Queryable, ids: readonly string[]): Promise<boolean> {
  const rows = await tx.query("DELETE FROM lake_files WHERE id = ANY($1) RETURNING id", [ids]);
  return rows.length === ids.length;
}

const File = z.object({ id: z.string(), path: z.string() });

/** The listed files of a table. */
export async function filesOf(db: Queryable, fact: FactName): Promise<z.infer<typeof File>[]> {
  const rows = await db.query("SELECT id, path FROM lake_files WHERE fact = $1 ORDER BY day, id", [
    fact,
  ]);
  return rows.map((row) => File.parse(row));
}

/** Files not yet loaded into the warehouse, oldest first. */
export async function filesToLoad(
  db: Queryable,
): Promise<{ fact: FactName; id: string; path: string }[]> {
  const rows = await db.query(
    "SELECT fact, id, path FROM lake_files WHERE loaded_at IS NULL ORDER BY created_at, id LIMIT 100",
  );
  return rows.flatMap((row) => {
    const fact = String(row["fact"]);
    return isFactName(fact) ? [{ fact, ...File.parse(row) }] : [];
  });
}

/** For each source, the first day (epoch ms) with a file that is not loaded yet. */
export async function unloadedSince(db: Queryable): Promise<Map<Source, number>> {
  const rows = await db.query(
    "SELECT fact, min(day) AS day FROM lake_files WHERE loaded_at IS NULL GROUP BY fact",
  );
  const since = new Map<Source, number>();
  for (const { fact, day } of rows) {
    const name = String(fact);
    if (!isFactName(name)) continue;
    const { source } = FACTS[name];
    since.set(
      source,
      Math.min(since.get(source) ?? Number.POSITIVE_INFINITY, Date.parse(String(day))),
    );
  }
  return since;
}

export async function markLoaded(
  db: Queryable,
  ids: readonly string[],
  nowMs: number,
): Promise<void> {
  await db.query("UPDATE lake_files SET loaded_at = $2 WHERE id = ANY($1)", [ids, new Date(nowMs)]);
}

/** A day or an old month (`2026-01`) of a table in several loaded files. */
export type CompactionCandidate = {
  fact: FactName;
  period: string;
  files: { id: string; path: string; rows: number }[];
};

/**
 * Candidates for compaction, most files first: a day in at least `filesMin` files, and a month before the day
 * `monthsBefore` in more than one. Requests stay in daily files, because their days are counted again.
 */
export async function compactionCandidates(
  db: Queryable,
  { filesMin, monthsBefore }: { filesMin: number; monthsBefore: string },
): Promise<CompactionCandidate[]> {
  const rows = await db.query(
    `SELECT fact, period, json_agg(json_build_object('id', id, 'path', path, 'rows', rows) ORDER BY id) AS files
     FROM (SELECT *, CASE WHEN fact <> 'requests' AND day < $2 THEN left(day, 7) ELSE day END AS period
       FROM lake_files WHERE loaded_at IS NOT NULL) AS loaded
     GROUP BY fact, period HAVING count(*) >= CASE WHEN length(period) = 7 THEN 2 ELSE $1 END
     ORDER BY count(*) DESC LIMIT 20`,
    [filesMin, monthsBefore],
  );
  const Files = z.array(z.object({ id: z.string(), path: z.string(), rows: z.number() }));
  return rows.flatMap(({ fact, period, files }) => {
    const name = String(fact);
    if (!isFactName(name)) return [];
    return [{ fact: name, period: String(period), files: Files.parse(files) }];
  });
}

/**
 * Deletes files that are not listed and were written more than `ageMs` ago: leftovers of crashes, and replaced files
 * that no query reads any more. Ages use the clock of the file system, which several machines may share.
 */
export async function sweepFolder(db: Queryable, folder: string, ageMs: number): Promise<number> {
  const nowMs = await fileSystemTime(folder);
  // The folder is listed before the database is read: files written in between are younger than `ageMs`.
  const found = await readdir(folder, { recursive: true });
  const rows = await db.query("SELECT path FROM lake_files");
  const known = new Set(rows.map((row) => String(row["path"])));
  let removed = 0;
  for (const name of found) {
    if (!name.endsWith(".parquet") || known.has(name.replaceAll(path.sep, "/"))) continue;
    const file = path.join(folder, name);
    const info = await stat(file).catch(() => undefined);
    if (info === undefined || info.mtimeMs > nowMs - ageMs) continue;
    await rm(file, { force: true });
    removed += 1;
  }
  return removed;
}

async function fileSystemTime(folder: string): Promise<number> {
  const file = path.join(folder, "tmp", `${randomUUID()}.clock`);
  await writeFile(file, "");
  const { mtimeMs } = await stat(file);
  await rm(file);
  return mtimeMs;
}
