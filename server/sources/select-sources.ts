import { formFields } from "#collectors/configured/form-fields.ts";
import {
  SOURCE_STATES,
  type SourceDetail,
  type SourceRow,
  type SourcesAnswer,
  type SourceState,
  type SourcesView,
} from "#dashboards/sources/messages.ts";
import type { DescribedLine } from "#pipeline/ingest/describe-last-line.ts";

import type { SourceWithParts } from "./source-rows.ts";

const PARTS_MAX = 100;
const FORMATS_MAX = 5;
const FIELDS_MAX = 200;
const VALUE_CHARACTERS_MAX = 2_000;

/** What the member may see of the sources. */
export type Sight = { maySeeLines: boolean; mayManage: boolean };

export type Selected = Pick<SourcesAnswer, "rows" | "matching" | "total" | "counts" | "detail">;

/** The sources that a view shows, in its order, at most as many as it wants. */
export function selectSources(
  all: readonly SourceWithParts[],
  view: SourcesView,
  { sight, lines }: { sight: Sight; lines: readonly (DescribedLine & { source: string })[] },
): Selected {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = all.filter(
    (it) => (view.state === undefined || it.row.state === view.state) && hasWords(it, words),
  );
  const rows = matching.map(({ row }) => {
    const formats = row.formats.slice(0, FORMATS_MAX);
    return { ...shown(row, sight), formats, group: groupOf(row, view.group) };
  });
  const compare = ORDERS[view.sort];
  rows.sort((a, b) => compareGroups(a, b, view) || compare(a, b) || byName(a, b));
  const opened = all.find(({ row }) => row.source === view.source);
  return {
    rows: rows.slice(0, view.limit),
    matching: matching.length,
    total: all.length,
    counts: countStates(all),
    detail: opened ? detailOf(opened, { sight, lines }) : null,
  };
}

function hasWords({ row, parts }: SourceWithParts, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const texts = [row.source, row.title, row.kind, ...row.formats, ...parts.map(({ path }) => path)];
  const text = texts.join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

const rank = (state: SourceState): number => SOURCE_STATES.indexOf(state);
const byName = (a: SourceRow, b: SourceRow): number => (a.source < b.source ? -1 : 1);

const ORDERS: Record<SourcesView["sort"], (a: SourceRow, b: SourceRow) => number> = {
  state: (a, b) => rank(a.state) - rank(b.state),
  name: byName,
  rate: (a, b) => b.eventsPerSecond - a.eventsPerSecond,
  newest: (a, b) => (b.newestEventMs ?? 0) - (a.newestEventMs ?? 0),
  behind: (a, b) => (b.behind?.left ?? 0) - (a.behind?.left ?? 0),
  quarantined: (a, b) => b.quarantined - a.quarantined,
};

function groupOf(row: SourceRow, group: SourcesView["group"]): string {
  switch (group) {
    case "none":
      return "";
    case "kind":
      return row.title;
    case "state":
      return row.state;
    case "format":
      return row.formats[0] ?? "no events yet";
  }
}

function compareGroups(a: SourceRow, b: SourceRow, { group }: SourcesView): number {
  if (group === "state") return rank(a.state) - rank(b.state);
  return a.group === b.group ? 0 : a.group < b.group ? -1 : 1;
}

function countStates(all: readonly SourceWithParts[]): SourcesAnswer["counts"] {
  const counts = {
    failing: 0,
    warning: 0,
    silent: 0,
    behind: 0,
    waiting: 0,
    idle: 0,
    receiving: 0,
  };
  for (const { row } of all) counts[row.state] += 1;
  return counts;
}

function detailOf(
  { row, parts, datasets, configured }: SourceWithParts,
  { sight, lines }: { sight: Sight; lines: readonly (DescribedLine & { source: string })[] },
): SourceDetail {
  const last = sight.maySeeLines ? lines.find(({ source }) => source === row.source) : undefined;
  return {
    row: shown(row, sight),
    properties: configured ? propertiesOf(configured) : [],
    parts: parts.slice(0, PARTS_MAX).map(({ path, level, message, progress }) => ({
      path,
      level,
      notes: withoutReasons(message, sight).split("; "),
      read: progress?.read ?? null,
      total: progress?.total ?? null,
      unit: progress?.unit ?? null,
    })),
    datasets: [...datasets].slice(0, FIELDS_MAX).map(([dataset, events]) => ({ dataset, events })),
    last: last ? { path: last.path, raw: last.raw, fields: fieldsOf(last) } : null,
  };
}

const shown = (row: SourceRow, sight: Sight): SourceRow => ({
  ...row,
  reason: withoutReasons(row.reason, sight),
});

/** Reasons why lines cannot be parsed may quote them. */
const withoutReasons = (message: string, { maySeeLines }: Sight): string =>
  maySeeLines
    ? message
    : message.replaceAll(
        /lines are in quarantine, the latest because: [^]*/g,
        "lines are in quarantine",
      );

const fieldsOf = ({ fields }: DescribedLine) =>
  Object.entries(fields)
    .slice(0, FIELDS_MAX)
    .map(([name, value]) => ({ name, value: textOf(value).slice(0, VALUE_CHARACTERS_MAX) }));

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** Secrets are not shown: only whether they are set. */
function propertiesOf({
  kind,
  format,
  properties: own,
}: NonNullable<SourceWithParts["configured"]>) {
  const properties: Readonly<Record<string, unknown>> = { ...own, format };
  return formFields(kind).flatMap(({ name, isSecret }) => {
    const value = properties[name];
    if (value === undefined) return [];
    if (isSecret) return [{ name, values: ["(set)"] }];
    return [{ name, values: (Array.isArray(value) ? value : [value]).map(textOf) }];
  });
}
