import { durationRules } from "#collectors/duration-rules.ts";
import { FORMATS, formatNamed } from "#collectors/formats/index.ts";
import { zoneOf } from "#collectors/zone.ts";
import { eventsOfSource } from "#pipeline/ingest/events-of-source.ts";
import { type Reprocessed, type ReprocessRequest, reprocess } from "#pipeline/ingest/reprocess.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import type { PositionReader, RewriteProgress } from "#pipeline/store/port.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable, printableJson } from "#platform/terminal.ts";

import { currentStoreUrl } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import { openProcessingState } from "../processing-state.ts";
import { deriveRules } from "../rules.ts";
import { indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { environmentWith, type Options, parseOptions } from "./options.ts";
import { printStoreProblems } from "./store-problems.ts";
import { useFormatsOf, useSourcesOf } from "./user-formats.ts";

export const reprocessCommand: Command = {
  name: "reprocess",
  summary: "Read stored lines again, after a fix, an update or a change of formats",
  help: `quarterdeck reprocess [--source SOURCE… | --path PATH] [--format NAME] [--from TIME] [--data DIR] [--json]

Reads the original lines of stored events again with the present formats: the quarantined ones, or all of a source. Those
that can be parsed become the events that they would be now, each in its place, with counts and charts; the others are
left as they are. It may run beside a control plane, and may be repeated or interrupted.

  --source SOURCE  all events of this source, as quarterdeck sources names it, or of the files at this path or
                   pattern, such as '/srv/shop/*.log' or 's3://my-logs/*'; may be repeated
  --format NAME    the format of the lines. Default: the one that is chosen for their source or path, otherwise the
                   one that has read them; of quarantined lines any
                   ${FORMATS.map((format) => format.dataset).join(", ")}
                   or the name of a format of yours (quarterdeck format list)
  --path PATH      only quarantined lines of this file; * stands for any text
  --from TIME      only lines since then, such as 2026-03-14, 2026-03-14T10:00:00Z or now-2h
  --data DIR       the data folder (default: QUARTERDECK_DATA, else ./data)
  --json           print the summary as one JSON object

  quarterdeck reprocess
  quarterdeck reprocess --source /var/log/shop.log --from now-2d
  quarterdeck reprocess --format apache.access --path '/srv/*/access.log'`,

  async run(args) {
    const types = {
      format: { type: "string" },
      source: { type: "string", multiple: true },
      path: { type: "string" },
      from: { type: "string" },
    } as const;
    const { values, positionals } = parseOptions(args, { ...types, json: { type: "boolean" } });
    if (positionals.length > 0) {
      throw new AppError("bad_request", "reprocess takes no names: name a source by --source");
    }
    const { data } = parseSettings({ data: indexSettings }, environmentWith(values));
    openDataFolder(data);
    await useFormatsOf(data.dataFolder);
    await using store = await openStore({ url: currentStoreUrl(data), clock: systemClock });
    const isJson = values["json"] === true;
    const requests = await requestsOf(values, data.dataFolder, store);
    const deps = {
      store,
      clock: systemClock,
      rules: deriveRules(data),
      zone: zoneOf(data.timezone),
      unitOf: durationRules(data.durationUnits),
      processing: data.processing,
      ...openProcessingState({ ...data, clock: systemClock }),
    };
    const done: Reprocessed = { lines: 0, events: new Map(), same: 0, left: new Map() };
    for (const request of requests) {
      add(done, await reprocess(deps, { ...request, onProgress: progressPrinter(isJson) }));
    }
    const isOfSource = requests.some(({ events }) => events !== undefined);
    process.stdout.write(`${isJson ? json(done, isOfSource) : text(done, isOfSource)}\n`);
    printStoreProblems(await store.status());
    return 0;
  },
};

/** One for each source; a single one without. */
async function requestsOf(
  { format, source, path, from }: Options["values"],
  dataFolder: string,
  store: PositionReader,
): Promise<ReprocessRequest[]> {
  if (source !== undefined && path !== undefined) {
    throw new AppError("bad_request", "give --source or --path: a source may be a path");
  }
  const request = {
    ...(typeof format === "string" && { format: formatNamed(format) }),
    ...(typeof path === "string" && { path }),
    ...(typeof from === "string" && {
      fromMs: parseInstant(from, "from", systemClock.nowMs()),
    }),
  };
  if (!Array.isArray(source)) return [request];
  const { sources, preferredOf } = await useSourcesOf(dataFolder);
  const positions = await store.positions();
  return source.map((name) => {
    const events = eventsOfSource(name, { sources, positions });
    return { ...request, events, preferred: preferredOf(name) };
  });
}

function add(sum: Reprocessed, { lines, events, same, left }: Reprocessed): void {
  sum.lines += lines;
  sum.same += same;
  for (const [dataset, count] of events)
    sum.events.set(dataset, (sum.events.get(dataset) ?? 0) + count);
  for (const [reason, count] of left) sum.left.set(reason, (sum.left.get(reason) ?? 0) + count);
}

const PROGRESS_EVERY_MS = 250;

/** Prints the progress on standard error: for people on a terminal, and as a JSON object a line for programs. */
function progressPrinter(isJson: boolean): (progress: RewriteProgress) => void {
  let printedMs = Number.NEGATIVE_INFINITY;
  return ({ done, total }) => {
    const isLast = done >= total;
    if (!isLast && performance.now() - printedMs < PROGRESS_EVERY_MS) return;
    printedMs = performance.now();
    if (isJson) process.stderr.write(`${JSON.stringify({ done, total })}\n`);
    else if (process.stderr.isTTY) {
      const share = total === 0 ? 100 : Math.floor((100 * done) / total);
      const line = `${share} % of ${grouped.format(total)} events examined`;
      process.stderr.write(isLast ? `\r${" ".repeat(line.length)}\r` : `\r${line}`);
    }
  };
}

const countOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

function json({ lines, events, same, left }: Reprocessed, isOfSource: boolean): string {
  const changed = Object.fromEntries(events);
  return printableJson(
    isOfSource
      ? { lines, events: changed, same, left: Object.fromEntries(left) }
      : { lines, events: changed, quarantined: lines - countOf(events) },
  );
}

const grouped = new Intl.NumberFormat("en");

function text(done: Reprocessed, isOfSource: boolean): string {
  const { lines, same, left } = done;
  const changed = grouped.format(countOf(done.events));
  const datasets = [...done.events].map(
    ([dataset, count]) => `  ${grouped.format(count)} ${printable(dataset)}`,
  );
  if (!isOfSource) {
    const rest = grouped.format(lines - countOf(done.events));
    const head = `${grouped.format(lines)} quarantined lines → ${changed} events, ${rest} stay in quarantine`;
    return [head, ...datasets].join("\n");
  }
  const head = `${grouped.format(lines)} events read again → ${changed} changed, ${grouped.format(same)} the same as before, ${grouped.format(countOf(left))} left as they were`;
  const reasons = [...left].map(([reason, count]) => `  ${grouped.format(count)} left: ${reason}`);
  return [head, ...datasets, ...reasons].join("\n");
}
