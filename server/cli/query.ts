import { answerMetric, type CatalogueAnswer } from "#forecaster/answer-metric.ts";
import { Predictions } from "#forecaster/predictions.ts";
import { forecastsUrlOf, openForecastStore } from "#forecaster/store/open-forecast-store.ts";
import type { Condition, Filter } from "#pipeline/filter.ts";
import { CATALOGUE } from "#pipeline/metrics/catalogue.ts";
import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { chartStep } from "#pipeline/metrics/planner.ts";
import { storeSettings } from "#pipeline/settings.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import type { EventReader, Extent, MetricReader } from "#pipeline/store/port.ts";
import { parseInstant, parseRange } from "#pipeline/time-range.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { silentLog } from "#platform/log.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable, printableJson } from "#platform/terminal.ts";
import { chooseDataset, rangeOfAll } from "#server/board/tier.ts";
import { startForecastThread } from "#server/forecaster/forecast-thread.ts";

import { currentStoreUrl } from "../current-store.ts";
import type { Command } from "./command.ts";
import { environmentWith, numberOption, parseOptions, type Options } from "./options.ts";
import { printOriginals } from "./query-originals.ts";
import { checkedField, checkedQuery, printOtherCases } from "./search-argument.ts";
import { printStoreProblems } from "./store-problems.ts";

const HOUR_MS = 3_600_000;
const LIMIT_MAX = 10_000;

export const queryCommand: Command = {
  name: "query",
  summary: "Query a metric as the board shows it",
  help: `quarterdeck query METRIC [--by FIELD] [--where FILTER] [--from T] [--to T] [--step S] [--json]
quarterdeck query --original [--where FILTER] [--from T] [--to T] [--dataset D]

  --by FIELD     one series per value: route, status, method, path, dataset, instance, or any ECS field
  --limit N      with --by: the N largest (default 10); how many more there are is printed
  --where TEXT   a search as in the search box: 'status>=500 -path:/health* (method:POST OR ip:203.0.113.0/24)'
  --from, --to   now, now-15m, now+3h, 2026-05-17T10:00:00Z, or epoch milliseconds (default: the range of the data)
  --step S       one point per 10s, 1m, 5m, 1h, 1d, or auto (default: one value for the whole range)
  --as-of T      for predicted metrics: the prediction as of that time, without later data
  --dataset D    the dataset to count (default: the outermost tier that has requests; all: every dataset)
  --json         one JSON object: { metric, unit, fromMs, toMs, stepMs, from, more, series: [{ key, value, points }] }
  --original     instead of a metric, the original lines of the matching events, byte for byte, oldest first

Metrics: ${Object.keys(CATALOGUE).join(", ")}

  quarterdeck query requests --by status
  quarterdeck query response_time_p95 --by route --from now-1h
  quarterdeck query requests_per_second --step 5m --json
  quarterdeck query --original --where 'status:404' > lines.log`,

  async run(args) {
    const options = parseOptions(withSearch(args), {
      by: { type: "string" },
      limit: { type: "string" },
      where: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      step: { type: "string" },
      "as-of": { type: "string" },
      dataset: { type: "string" },
      json: { type: "boolean" },
      original: { type: "boolean" },
    });
    if (options.values["original"]) return printOriginals(options);
    const [metric, surplus] = options.positionals;
    if (metric === undefined || surplus !== undefined) {
      throw new AppError("bad_request", "name one metric, such as: quarterdeck query requests");
    }
    const groups = { data: { ...dataFolderSettings, ...storeSettings } };
    const { data } = parseSettings(groups, environmentWith(options.values));
    const url = currentStoreUrl(data);
    await using store = await openStore({ url, clock: systemClock });
    await using forecasts = openForecastStore(forecastsUrlOf(url, data.dataFolder));
    await using ending = new AsyncDisposableStack();
    const runner = startForecastThread();
    ending.defer(() => runner.stop());
    const predictions = new Predictions({
      events: store,
      forecasts,
      runner,
      clock: systemClock,
      log: silentLog(),
    });
    printStoreProblems(await store.status());
    const startMs = systemClock.nowMs();
    const answer = await answerQuery({ store, predictions }, metric, options);
    const text = options.values["json"] ? printableJson(answer) : table(answer, startMs);
    process.stdout.write(`${text}\n`);
    return 0;
  },
};

/** A search may begin with a minus, which would be read as an option: `--where=-status:200` is not. */
function withSearch(args: readonly string[]): string[] {
  const at = args.indexOf("--where");
  const search = args[at + 1];
  if (at < 0 || !search?.startsWith("-") || search.startsWith("--")) return [...args];
  return [...args.slice(0, at), `--where=${search}`, ...args.slice(at + 2)];
}

type QueryDeps = {
  store: MetricReader & Pick<EventReader, "search" | "facets">;
  predictions: Predictions;
};

async function answerQuery(
  { store, predictions }: QueryDeps,
  metric: string,
  { values }: Options,
): Promise<CatalogueAnswer> {
  const nowMs = systemClock.nowMs();
  const extents = await mainExtents(store, nowMs);
  const extent = datasetOf(extents, text(values["dataset"]), nowMs);
  const requested = parseRange({ from: text(values["from"]), to: text(values["to"]) }, nowMs);
  const all = extent ?? rangeOfAll(extents, nowMs);
  const range = requested ?? {
    fromMs: all?.fromMs ?? nowMs - HOUR_MS,
    toMs: all ? all.toMs + 1 : nowMs,
  };
  const searched = await checkedQuery(text(values["where"]) ?? "", store);
  const where: Filter = [...datasetFilter(extent), ...searched];
  const stepMs = parseStep(text(values["step"]), range);
  const by = await checkedField(text(values["by"]), store);
  const limit = numberOption(values, "limit", { fallback: 10, min: 1, max: LIMIT_MAX });
  await printOtherCases(searched, { store, range });
  const asOf = text(values["as-of"]);
  const asOfMs = asOf === undefined ? undefined : parseInstant(asOf, "as-of", nowMs);
  const deps = { events: store, predictions, nowMs };
  return answerMetric(deps, {
    metric,
    where,
    fromMs: range.fromMs,
    toMs: range.toMs,
    ...(stepMs === undefined ? {} : { stepMs }),
    ...(asOfMs === undefined ? {} : { asOfMs }),
    ...(by === undefined ? {} : { by: { field: by, limit } }),
  });
}

const text = (value: Options["values"][string]): string | undefined =>
  typeof value === "string" ? value : undefined;

function datasetOf(
  extents: readonly Extent[],
  given: string | undefined,
  nowMs: number,
): Extent | undefined {
  if (given === "all") return undefined;
  const found = chooseDataset(extents, { requested: given, nowMs });
  if (given !== undefined && !found) {
    const known = extents.map(({ dataset }) => dataset).join(", ");
    throw new AppError("bad_request", `--dataset ${given}: there is ${known || "no data yet"}`);
  }
  return found;
}

const datasetFilter = (extent: Extent | undefined): Condition[] =>
  extent ? [{ field: "data_stream.dataset", op: "eq", value: extent.dataset }] : [];

const STEP_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function parseStep(
  given: string | undefined,
  range: { fromMs: number; toMs: number },
): number | undefined {
  if (given === undefined) return undefined;
  if (given === "auto") return chartStep(range);
  const found = /^(\d{1,5})([smhd])$/.exec(given);
  const stepMs = Number(found?.[1]) * (STEP_MS[found?.[2] ?? ""] ?? 0);
  if (stepMs > 0) return stepMs;
  throw new AppError("bad_request", `--step ${given}: write 10s, 1m, 5m, 1h, 1d, or auto`);
}

const FUTURE =
  "no data yet: the range is in the future. Choose an earlier --from, or query what is predicted, such as " +
  "predicted_requests_per_second";

function table(answer: CatalogueAnswer, nowMs: number): string {
  const { prediction, series } = answer;
  if (prediction?.status === "learning") return printable(`${answer.metric}: ${prediction.reason}`);
  const isMeasured = prediction !== undefined || series.some(({ value }) => value !== null);
  if (answer.fromMs >= nowMs && !isMeasured) return FUTURE;
  const lines = series.map(({ key, value, points }) => {
    const label = key === null ? answer.metric : printable(key);
    const steps = points.map(([t, v]) => `  ${new Date(t).toISOString()}  ${shown(v)}`);
    return [`${shown(value).padStart(14)} ${unitOf(answer)}  ${label}`, ...steps].join("\n");
  });
  if (lines.length === 0) return "nothing was measured in this range";
  return [...lines, ...moreOf(answer)].join("\n");
}

const PRECISION = { exact: "", about: "about ", at_least: "at least " };

/** The groups beyond `--limit`. */
function moreOf({ more, series }: CatalogueAnswer): string[] {
  if (!more) return [];
  const groups = more.series === 1 ? "group" : "groups";
  const count = `${PRECISION[more.precision]}${shown(more.series)}`;
  const limit = Math.min(LIMIT_MAX, series.length + more.series);
  return [`… and ${count} more ${groups}: --limit ${limit} shows ${limit} groups`];
}

const shown = (value: number | null): string =>
  value === null ? "–" : new Intl.NumberFormat("en", { maximumFractionDigits: 4 }).format(value);

const unitOf = ({ unit }: CatalogueAnswer): string => (unit === "count" ? "" : unit);
