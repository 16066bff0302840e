import { once } from "node:events";
import { stderr, stdout } from "node:process";

import type { Filter } from "#pipeline/filter.ts";
import { originalLines } from "#pipeline/original-lines.ts";
import { storeSettings } from "#pipeline/settings.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { parseRange } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable } from "#platform/terminal.ts";

import { currentStoreUrl } from "../current-store.ts";
import { environmentWith, type Options } from "./options.ts";
import { checkedQuery, printOtherCases } from "./search-argument.ts";
import { printStoreProblems } from "./store-problems.ts";

const ALL_TIMES = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const OF_METRICS = ["by", "limit", "step", "as-of", "json"];

/** Prints the original lines of the matching events. On a terminal, control characters are shown as escapes. */
export async function printOriginals({ values, positionals }: Options): Promise<number> {
  const surplus = OF_METRICS.find((name) => values[name] !== undefined);
  if (surplus !== undefined || positionals.length > 0) {
    const what = surplus === undefined ? `the metric ${positionals[0]}` : `--${surplus}`;
    throw new AppError(
      "bad_request",
      `--original prints lines: it cannot be combined with ${what}`,
    );
  }
  const given = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const nowMs = systemClock.nowMs();
  const range = parseRange({ from: given("from"), to: given("to") }, nowMs) ?? ALL_TIMES;
  const dataset = given("dataset");
  const hasDataset = dataset !== undefined && dataset !== "all";
  const only: Filter = hasDataset
    ? [{ field: "data_stream.dataset", op: "eq", value: dataset }]
    : [];
  const groups = { data: { ...dataFolderSettings, ...storeSettings } };
  const { data } = parseSettings(groups, environmentWith(values));
  await using store = await openStore({ url: currentStoreUrl(data), clock: systemClock });
  printStoreProblems(await store.status());
  const searched = await checkedQuery(given("where") ?? "", store);
  const where = [...only, ...searched];
  await printOtherCases(searched, { store, range });
  let missing = 0;
  for await (const page of originalLines(store, { ...range, where })) {
    missing += page.missing;
    const output = stdout.isTTY ? printable(page.bytes.toString()) : page.bytes;
    if (!stdout.write(output)) await once(stdout, "drain");
  }
  if (missing > 0) stderr.write(`${withoutLine(missing)}\n`);
  return 0;
}

const withoutLine = (events: number): string =>
  `${events} matching ${events === 1 ? "event has" : "events have"} no original line: stored by an earlier version`;
