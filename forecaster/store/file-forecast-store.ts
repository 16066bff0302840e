import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { ifExists } from "#platform/files.ts";
import { withChecksum, withoutChecksum } from "#platform/text-checksum.ts";

import { type ForecastIssue, StoredIssue } from "../issue.ts";
import type { SeriesKey } from "../predicted-series.ts";
import { coveringIssues } from "./covering-issues.ts";
import type { AsOfRequest, ForecastStore, IssueKey } from "./port.ts";

const DAY_MS = 86_400_000;
/** Longer than the longest forecast window (grid.ts): an issue this many days before a range does not cover it. */
const REACH_DAYS = 8;
const KEPT_DAYS_DEFAULT = 30;
/** Number of days whose issues are cached in memory. */
const DAYS_CACHED_MAX = 64;
const NAME_LENGTH_MAX = 150;
/** More precise than a chart can show; halves the file size. */
const SIGNIFICANT_DIGITS = 6;

export type FileForecastStoreOptions = {
  /** Created when the first issue is saved. */
  folder: string;
  /** Issues older than the newest one of their series by more than this are removed. Default 30. */
  keptDays?: number;
};

/** Issues by issue time and horizon. */
type Day = { bytes: number; issues: Map<string, ForecastIssue> };

/**
 * Stores issues in `<dataset>~<count>/<step ms>-<day>.ndjson`, one issue per line, by the UTC day of the issue time.
 * Several processes may write: each line is appended by a single write. Each has its own checksum, so that a line that is
 * damaged, or was truncated by a crash, is skipped; its forecast is computed again.
 */
export function openFileForecastStore(options: FileForecastStoreOptions): ForecastStore {
  return new FileForecastStore(options);
}

class FileForecastStore implements ForecastStore {
  readonly #folder: string;
  readonly #keptDays: number;
  readonly #days = new Map<string, Day>();
  #writing: Promise<void> = Promise.resolve();

  constructor({ folder, keptDays = KEPT_DAYS_DEFAULT }: FileForecastStoreOptions) {
    this.#folder = folder;
    this.#keptDays = keptDays;
  }

  save(issue: ForecastIssue): Promise<void> {
    const saved = this.#writing.then(() => this.#append(issue));
    this.#writing = saved.catch(() => undefined);
    return saved;
  }

  async find({ series, stepMs, issuedMs, horizon }: IssueKey): Promise<ForecastIssue | undefined> {
    const day = await this.#read(series, stepMs, dayOf(issuedMs));
    return day.issues.get(`${issuedMs} ${horizon}`);
  }

  async asOf(request: AsOfRequest): Promise<ForecastIssue[]> {
    const { series, stepMs, fromMs, toMs, asOfMs } = request;
    const first = dayOf(fromMs) - REACH_DAYS;
    const last = dayOf(Math.min(asOfMs, toMs));
    const issues: ForecastIssue[] = [];
    for (const day of await daysIn(join(this.#folder, folderOf(series)), stepMs)) {
      if (day < first || day > last) continue;
      issues.push(...(await this.#read(series, stepMs, day)).issues.values());
    }
    return coveringIssues(issues, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  async #append(issue: ForecastIssue): Promise<void> {
    const { stepMs, startMs } = issue.forecast;
    const folder = join(this.#folder, folderOf(issue.series));
    const path = join(folder, fileOf(stepMs, dayOf(startMs)));
    const isNewDay = !(await sizeOf(path));
    if (isNewDay) await mkdir(folder, { recursive: true, mode: 0o700 });
    // The leading newline terminates a line that a crash may have truncated.
    await appendFile(path, `\n${withChecksum(lineOf(issue))}\n`, { mode: 0o600 });
    if (isNewDay) await this.#removeExpired(folder, stepMs);
  }

  async #removeExpired(folder: string, stepMs: number): Promise<void> {
    const days = await daysIn(folder, stepMs);
    const newest = days.at(-1) ?? 0;
    for (const day of days) {
      if (day >= newest - this.#keptDays) break;
      const path = join(folder, fileOf(stepMs, day));
      this.#days.delete(path);
      await rm(path, { force: true });
    }
  }

  /** The issues of a day, read again if any process has appended to the file since. */
  async #read(series: SeriesKey, stepMs: number, dayNumber: number): Promise<Day> {
    const path = join(this.#folder, folderOf(series), fileOf(stepMs, dayNumber));
    const bytes = (await sizeOf(path)) ?? 0;
    const cached = this.#days.get(path);
    if (cached?.bytes === bytes) return cached;
    const text = bytes === 0 ? "" : await readFile(path, "utf8");
    const day: Day = { bytes: Buffer.byteLength(text), issues: new Map() };
    for (const line of text.split("\n")) {
      const issue = parseLine(series, line);
      if (!issue) continue;
      const { startMs, mean } = issue.forecast;
      day.issues.set(`${startMs} ${mean.length}`, issue);
    }
    this.#days.delete(path);
    this.#days.set(path, day);
    const oldest = this.#days.keys().next();
    if (this.#days.size > DAYS_CACHED_MAX && !oldest.done) this.#days.delete(oldest.value);
    return day;
  }
}

const dayOf = (tMs: number): number => Math.floor(tMs / DAY_MS);

/** A dataset name comes from logs: it may have any length and must not lead to a path outside the folder. */
function folderOf({ dataset, count }: SeriesKey): string {
  const name = encodeURIComponent(dataset.toWellFormed());
  const isPlain = name.length <= NAME_LENGTH_MAX && !name.startsWith(".");
  return `${isPlain ? name : createHash("sha1").update(dataset).digest("hex")}~${count}`;
}

const fileOf = (stepMs: number, day: number): string =>
  `${stepMs}-${new Date(day * DAY_MS).toISOString().slice(0, 10)}.ndjson`;

/** The days that have issues with this step, oldest first. */
async function daysIn(folder: string, stepMs: number): Promise<number[]> {
  const names = (await ifExists(readdir(folder))) ?? [];
  const head = `${stepMs}-`;
  return names
    .filter((name) => name.startsWith(head) && name.endsWith(".ndjson"))
    .map((name) => dayOf(Date.parse(name.slice(head.length, head.length + 10))))
    .filter(Number.isSafeInteger)
    .toSorted((a, b) => a - b);
}

const sizeOf = async (path: string): Promise<number | undefined> =>
  (await ifExists(stat(path)))?.size;

function lineOf({ history, forecast }: ForecastIssue): string {
  return JSON.stringify({ history, forecast }, (key, value: unknown) =>
    typeof value === "number" && !key.endsWith("Ms")
      ? Number(value.toPrecision(SIGNIFICANT_DIGITS))
      : value,
  );
}

function parseLine(series: SeriesKey, line: string): ForecastIssue | undefined {
  if (line === "") return undefined;
  try {
    // Earlier versions wrote no checksums.
    const json = line.startsWith("{") ? line : withoutChecksum(Buffer.from(line));
    return { series, ...StoredIssue.parse(JSON.parse(json)) };
  } catch {
    return undefined;
  }
}
