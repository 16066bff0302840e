import { stat } from "node:fs/promises";

import { durationRules } from "#collectors/duration-rules.ts";
import type { SourceStatus } from "#collectors/source.ts";
import { fileSource } from "#collectors/sources/files.ts";
import { zoneOf } from "#collectors/zone.ts";
import type { IngestCounts } from "#pipeline/ingest/ingest-deps.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { openTerminal } from "#platform/terminal.ts";

import { openDataFolder } from "../data-folder.ts";
import { openProcessingState } from "../processing-state.ts";
import { deriveRules } from "../rules.ts";
import { indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { environmentWith, parseOptions } from "./options.ts";
import { printStoreProblems } from "./store-problems.ts";
import { useFormatsOf } from "./user-formats.ts";

/** Segments are sealed by size, except the first ones, which are sealed sooner. */
const SEAL_AFTER_MS = Number.POSITIVE_INFINITY;
const FOLD_EVERY_MS = 1_000;
/** Files without problems whose status is printed. */
const FILES_LISTED_MAX = 20;

export const ingestCommand: Command = {
  name: "ingest",
  summary: "Read complete log files into the store, also .gz files, as fast as possible",
  help: `quarterdeck ingest [--data DIR] [--json] FILE…

Reads each file from the position up to which it was read before (also if it was renamed since), detects its format,
and stores the events. A file may have lines of several formats: the number of events of each is printed. Lines that no
format can parse are kept in quarantine.

  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)
  --json       print the summary as one JSON object

  quarterdeck ingest access.log access.log.1.gz
  quarterdeck ingest '/var/log/nginx/*.gz' --json`,

  async run(args) {
    const { values, positionals } = parseOptions(args, { json: { type: "boolean" } });
    const { index: settings } = parseSettings({ index: indexSettings }, environmentWith(values));
    if (positionals.length === 0) throw new AppError("bad_request", "name at least one log file");
    await mustExist(positionals);
    const folder = openDataFolder(settings);
    await useFormatsOf(settings.dataFolder);
    const terminal = openTerminal(process.stderr, systemClock);
    await using store = await openStore({ url: folder.storeUrl, clock: systemClock });
    await using source = fileSource({
      paths: positionals,
      follow: false,
      clock: systemClock,
      locksFolder: folder.locks,
    });
    const startMs = performance.now();
    const seconds = (): number => (performance.now() - startMs) / 1000;
    const ingest = new Ingest({
      store,
      clock: systemClock,
      rules: deriveRules(settings),
      zone: zoneOf(settings.timezone),
      unitOf: durationRules(settings.durationUnits),
      processing: settings.processing,
      ...openProcessingState({ ...settings, clock: systemClock }),
      sealAfterMs: SEAL_AFTER_MS,
      foldEveryMs: FOLD_EVERY_MS,
      onProgress: (counts) => terminal.progress(() => progressText(counts, seconds())),
    });
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    process.once("SIGTERM", () => stop.abort());
    await ingest.run(source, stop.signal);
    terminal.done();
    printStoreProblems(await store.status());
    for (const line of statusLines(ingest.statusWith(source.status()))) terminal.line(line);
    const summary = summarise(ingest.counts, seconds());
    process.stdout.write(`${values["json"] ? JSON.stringify(summary) : summaryText(summary)}\n`);
    return stop.signal.aborted || source.status().some(({ level }) => level === "error") ? 1 : 0;
  },
};

async function mustExist(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (/[*?[{]/.test(path)) continue;
    await stat(path).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new AppError("bad_request", `${path}: cannot be read (${why})`);
    });
  }
}

const statusLine = ({ path, message }: SourceStatus): string => `${path}: ${message}`;

/** All problems, and how the lines of some files were recognised. */
function statusLines(sources: readonly SourceStatus[]): string[] {
  const fine = sources.filter(({ level }) => level === "info");
  const more = fine.length - FILES_LISTED_MAX;
  return [
    ...sources.filter(({ level }) => level !== "info").map(statusLine),
    ...fine.slice(0, FILES_LISTED_MAX).map(statusLine),
    ...(more > 0 ? [`${more} more files were read without problems`] : []),
  ];
}

const grouped = new Intl.NumberFormat("en");

const progressText = (counts: IngestCounts, seconds: number): string =>
  `${grouped.format(counts.lines)} lines, ${(counts.bytes / 1e6).toFixed(0)} MB, ${grouped.format(Math.round(counts.lines / seconds))} lines/s`;

type Summary = ReturnType<typeof summarise>;

function summarise(counts: IngestCounts, seconds: number) {
  const { lines, events, quarantined, dropped, bytes, bytesSkipped } = counts;
  const linesPerSecond = Math.round(lines / seconds);
  return {
    lines,
    events,
    quarantined,
    dropped,
    bytes,
    bytesSkipped,
    seconds: Number(seconds.toFixed(3)),
    linesPerSecond,
  };
}

function summaryText(summary: Summary): string {
  const skipped =
    summary.bytesSkipped > 0
      ? `\n${grouped.format(summary.bytesSkipped)} bytes of overlong lines were discarded`
      : "";
  const dropped =
    summary.dropped > 0 ? `, ${grouped.format(summary.dropped)} dropped by rules` : "";
  return `${grouped.format(summary.lines)} lines → ${grouped.format(summary.events)} events, ${grouped.format(summary.quarantined)} quarantined${dropped}, in ${summary.seconds} s (${grouped.format(summary.linesPerSecond)} lines/s)${skipped}`;
}
