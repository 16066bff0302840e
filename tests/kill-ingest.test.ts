import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";

import { LINE_LAYOUT } from "#collectors/line-layout.ts";
import { eventsWithLinesSql, STORED_LINE } from "#pipeline/store/rebuilt-line-sql.ts";

import { startProgram, temporaryFolder } from "./harness/program.ts";

/** Columns of how rows and lines are stored. */
const STORAGE: ReadonlySet<string> = new Set([
  LINE_LAYOUT,
  STORED_LINE,
  "file_index",
  "file_row_number",
]);
const KILLS = 50;
const LINES = 700_000;
/** Delays from before the program is loaded to after several segments. */
const KILL_AFTER_MS = { min: 150, max: 1_600 };

const stack = new AsyncDisposableStack();
let folder: string;
let log: string;

beforeAll(async () => {
  folder = stack.use(await temporaryFolder()).path;
  log = path.join(folder, "access.log");
  await writeFile(log, accessLines(LINES));
});

afterAll(() => stack.disposeAsync());

test(
  `after ${KILLS} kills at random moments the store equals that of an uninterrupted run, row by row`,
  { timeout: 300_000 },
  async () => {
    const undisturbed = path.join(folder, "undisturbed");
    expect(await ingest(undisturbed)).toBe(0);
    const expected = await contents(undisturbed);
    expect(expected["rows"]).toBe(LINES);

    let kills = 0;
    for (let round = 0; kills < KILLS; round += 1) {
      const disturbed = path.join(folder, `disturbed-${round}`);
      while (kills < KILLS) {
        const { min, max } = KILL_AFTER_MS;
        const status = await ingest(disturbed, min + Math.random() * (max - min));
        if (status !== null) break;
        kills += 1;
      }
      expect(await ingest(disturbed)).toBe(0);
      expect(await contents(disturbed)).toEqual(expected);
      await rm(disturbed, { recursive: true, force: true });
    }
  },
);

/** Runs `quarterdeck ingest`; null when it was killed after `killMs`, else its exit status. */
async function ingest(data: string, killMs?: number): Promise<number | null> {
  const { child, ended } = startProgram(["ingest", log, "--data", data]);
  const kill = killMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killMs);
  return ended.finally(() => clearTimeout(kill));
}

/**
 * Fingerprints of all rows and of the rollups, independent of their segments. A kill before the events of a segment are
 * published leaves its rollup, which counts nowhere and is removed by the next merge.
 */
async function contents(data: string): Promise<Record<string, unknown>> {
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  try {
    const names = await readdir(path.join(data, "store/events"));
    const schema = (await readdir(path.join(data, "store/schema"))).map((name) => `schema/${name}`);
    const files = [...schema, ...names.map((name) => `events/${name}`)];
    // Which lines are stored depends on how much was read at once.
    const events = eventsWithLinesSql(files.map((file) => path.join(data, "store", file)));
    const published = names.map((name) => `'${data}/store/rollups/${name}'`).join(", ");
    const cells = `read_parquet([${published}], union_by_name = true)`;
    const columns = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${events}`))
      .getRowObjects()
      .map(({ column_name }) => String(column_name))
      .filter((name) => !STORAGE.has(name))
      .toSorted()
      .map((name) => `"${name}"`)
      .join(", ");
    const rows = await connection.runAndReadAll(
      `SELECT count(*)::INT AS rows, count(DISTINCT "log.offset")::INT AS places,
        bit_xor(hash(${columns}))::VARCHAR AS fingerprint FROM ${events}`,
    );
    const sums = await connection.runAndReadAll(
      `SELECT measure, sum(value)::DOUBLE AS total FROM ${cells} WHERE measure <> 'users' GROUP BY measure ORDER BY measure`,
    );
    return { ...rows.getRowObjects()[0], cells: sums.getRowObjects() };
  } finally {
    connection.closeSync();
    duck.closeSync();
  }
}

function accessLines(count: number): string {
  const lines: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const second = Math.floor(i / 50);
    const time = new Date(Date.UTC(2026, 2, 14) + second * 1_000).toISOString();
    const clock = time.slice(11, 19);
    const status = i % 97 === 0 ? 500 : 200;
    lines.push(
      `198.51.100.${i % 250} - - [${String(14 + Math.floor(second / 86_400))}/Mar/2026:${clock} +0000] "GET /page/${i % 900}?n=${i} HTTP/1.1" ${status} ${i % 5000} "-" "Kill/${i % 40}"`,
    );
  }
  return `${lines.join("\n")}\n`;
}
