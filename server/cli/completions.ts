import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { CATALOGUE } from "#pipeline/metrics/catalogue.ts";
import { suggestionsFor } from "#pipeline/query/completion.ts";
import type { EventReader } from "#pipeline/store/port.ts";

import { type Completion, startingWith } from "./completion-words.ts";
import { type DeployNames, ofDeploys } from "./deploys/completions.ts";

/** Opens the store of these words and calls `read` with it; undefined if there is none. */
export type WithStore = <T>(
  words: readonly string[],
  read: (store: Pick<EventReader, "search" | "facets">, range: TimeRange) => Promise<T>,
) => Promise<T | undefined>;

const TIMES = ["now", "now-15m", "now-1h", "now-24h", "now-7d", "now+3h"];
const STEPS = ["auto", "10s", "1m", "5m", "1h", "1d"];
const ALL: Filter = [];
const DATASETS_MAX = 50;

const QUERY_OPTIONS: Readonly<Record<string, string>> = {
  "--where": "a search, as in the search box",
  "--by": "one series per value of a field",
  "--from": "the start of the range",
  "--to": "the end of the range",
  "--step": "one point per step",
  "--limit": "with --by: the number of values",
  "--as-of": "the prediction as of a time",
  "--dataset": "the dataset to count",
  "--original": "original lines instead of a metric",
  "--json": "JSON instead of a table",
  "--data": "the data folder",
};

export type CompletionDeps = {
  commands: readonly string[];
  withStore: WithStore;
  deploys: DeployNames;
};

/** What the last of the words after `quarterdeck` may become. */
export async function completionsFor(
  words: readonly string[],
  deps: CompletionDeps,
): Promise<Completion[]> {
  const [command = "", ...args] = words;
  const last = words.at(-1) ?? "";
  if (args.length === 0) return startingWith(last, deps.commands);
  if (command === "help") return startingWith(last, deps.commands);
  if (command === "completion") return startingWith(last, ["bash", "zsh", "fish"]);
  if (command === "query") return ofQuery(args, deps);
  return ofDeploys(words, deps.deploys);
}

async function ofQuery(args: readonly string[], deps: CompletionDeps): Promise<Completion[]> {
  const last = args.at(-1) ?? "";
  const [, option, value] = /^(--[\w-]+)=(.*)$/s.exec(last) ?? [];
  const found = await valuesOf(option ?? args.at(-2) ?? "", value ?? last, { args, deps });
  if (found) {
    const prefix = option === undefined ? "" : `${option}=`;
    return found.map((it) => ({ ...it, text: prefix + it.text }));
  }
  if (last.startsWith("-")) {
    return Object.entries(QUERY_OPTIONS)
      .filter(([name]) => name.startsWith(last))
      .map(([text, detail]) => ({ text, detail, isWhole: true }));
  }
  const hasMetric = args.slice(0, -1).some((it) => Object.hasOwn(CATALOGUE, it));
  return hasMetric ? [] : startingWith(last, Object.keys(CATALOGUE));
}

type Written = { args: readonly string[]; deps: CompletionDeps };

/** The values of an option; undefined if it has none. */
async function valuesOf(
  option: string,
  text: string,
  written: Written,
): Promise<Completion[] | undefined> {
  switch (option) {
    case "--where":
      return ofSearch(text, written);
    case "--by":
      return namesOf(text, written);
    case "--dataset":
      return datasetsOf(text, written);
    case "--from":
    case "--to":
    case "--as-of":
      return startingWith(text, TIMES);
    case "--step":
      return startingWith(text, STEPS);
    default:
      return undefined;
  }
}

async function suggestions(text: string, { args, deps }: Written): Promise<Completion[]> {
  const found = await deps.withStore(args, (store, range) => suggestionsFor(text, range, store));
  if (!found) return [];
  const kept = text.slice(0, found.from);
  return found.options.map((it) => ({ ...it, text: kept + it.text, isWhole: false }));
}

/** With a single possible name, its values are offered: a shell would close the quote after the name. */
async function ofSearch(text: string, written: Written): Promise<Completion[]> {
  const found = (await suggestions(text, written)).filter((it) => it.text.startsWith(text));
  const [only, ...others] = found;
  if (!only?.text.endsWith(":") || others.length > 0) return found;
  const values = await suggestions(only.text, written);
  return values.length > 0 ? values : found;
}

async function namesOf(text: string, written: Written): Promise<Completion[]> {
  if (!/^[\w@.-]+$/.test(text)) return [];
  const names = (await suggestions(text, written)).filter((it) => it.text.endsWith(":"));
  return names.map((it) => ({ ...it, text: it.text.slice(0, -1), isWhole: true }));
}

async function datasetsOf(text: string, { args, deps }: Written): Promise<Completion[]> {
  const field = "data_stream.dataset";
  const facets = await deps.withStore(args, (store, range) =>
    store.facets({ ...range, where: ALL, fields: [field], limit: DATASETS_MAX }),
  );
  const names = facets?.get(field)?.map(({ value }) => value) ?? [];
  return startingWith(text, ["all", ...names]);
}
