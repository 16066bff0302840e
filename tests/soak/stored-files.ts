import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";
import { z } from "zod";

export type FileKind = "events" | "rollups";

/** A bit of a stored file that was changed. `urls`: the `url.original` of the lines in its segment. */
export type Flip = { segment: string; kind: FileKind; urls: string[] };

const Footer = z.object({ id: z.string(), rows: z.number(), replaces: z.array(z.string()) });
const Rows = z.array(z.object({ url: z.string() }));

/** Most flips are in smaller files: otherwise few lines remain that must be neither lost nor doubled. */
const ROWS_MAX = 10_000;
const LARGE_SHARE = 0.05;

/** Flips one bit of a file that the store uses; undefined if there is none, or it was merged at the same time. */
export async function flipBit(
  data: string,
  kind: FileKind,
  random: () => number,
): Promise<Flip | undefined> {
  return withDuck(async (rows) => {
    const used = await usedSegments(data, rows);
    const stored = new Set(readdirSync(path.join(data, "store", kind)));
    const rowsMax = random() < LARGE_SHARE ? Infinity : ROWS_MAX;
    const segments = used
      .filter((it) => stored.has(`${it.id}.parquet`) && it.rows <= rowsMax)
      .map(({ id }) => id);
    const segment = segments[Math.floor(random() * segments.length)];
    if (segment === undefined) return undefined;
    const events = path.join(data, "store", "events", `${segment}.parquet`);
    const lines = Rows.parse(
      await rows(
        `SELECT "url.original" AS url FROM read_parquet('${events}') WHERE "url.original" IS NOT NULL`,
      ),
    );
    flipBitOf(path.join(data, "store", kind, `${segment}.parquet`), random);
    return { segment, kind, urls: lines.map(({ url }) => url) };
  }).catch(() => undefined);
}

/** Whether the store still uses the file: not if it was merged in the meantime. */
export function isUsed(data: string, { segment }: Flip): Promise<boolean> {
  return withDuck(async (rows) => {
    const successors = await footersIn(data, rows);
    return !successors.some(({ replaces }) => replaces.includes(segment));
  });
}

async function withDuck<T>(work: (rows: Query) => Promise<T>): Promise<T> {
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  try {
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRowObjects());
  } finally {
    connection.closeSync();
    duck.closeSync();
  }
}

type Query = (sql: string) => Promise<unknown[]>;

/** Segments that no other one replaces. Those that were damaged before are left out. */
async function usedSegments(data: string, rows: Query): Promise<SegmentFooter[]> {
  const footers = await footersIn(data, rows);
  const replaced = new Set(footers.flatMap(({ replaces }) => replaces));
  return footers.filter(({ id }) => !replaced.has(id));
}

type SegmentFooter = z.infer<typeof Footer>;

async function footersIn(data: string, rows: Query): Promise<SegmentFooter[]> {
  const folder = path.join(data, "store", "events");
  const footers: SegmentFooter[] = [];
  for (const name of readdirSync(folder).filter((it) => it.endsWith(".parquet"))) {
    const file = path.join(folder, name);
    const sql = `SELECT decode(value) AS text FROM parquet_kv_metadata('${file}') WHERE decode(key) = 'quarterdeck'`;
    const found = await rows(sql).catch(() => []);
    for (const { text } of z.array(z.object({ text: z.string() })).parse(found)) {
      footers.push(Footer.parse(JSON.parse(text)));
    }
  }
  return footers;
}

function flipBitOf(file: string, random: () => number): void {
  const descriptor = openSync(file, "r+");
  try {
    const at = Math.floor(random() * statSync(file).size);
    const byte = Buffer.alloc(1);
    readSync(descriptor, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << Math.floor(random() * 8));
    writeSync(descriptor, byte, 0, 1, at);
  } finally {
    closeSync(descriptor);
  }
}
