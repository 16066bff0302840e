import { z } from "zod";

import { LatencySketch } from "#pipeline/sketches/latency-sketch.ts";

import { hourly } from "./params.ts";
import { rangeParams } from "./periods.ts";
import { ratio } from "./ratio.ts";
import { momentOf } from "./report-people.ts";
import {
  type ResolvedRequest,
  CURRENCY,
  type Column,
  PERIOD,
  type RawRow,
  type ReportSpec,
  type Row,
  count,
  groupBy,
  integerOf,
  money,
  periodOf,
  share,
  textOf,
  word,
} from "./report.ts";

const serviceParam = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe("Only this service (service.name of its access log).");

const ResponseTimeParams = z.strictObject({
  ...rangeParams,
  step: z
    .enum(["all", "hour", "day", "week", "month"])
    .default("all")
    .describe("Length of a step; all: one row for each release."),
  service: serviceParam,
});
export type ResponseTimeParams = z.output<typeof ResponseTimeParams>;

const quantile = (percent: number): Column => ({
  name: `p${percent}`,
  type: "decimal",
  unit: "ms",
  meaning: `${percent} % of the requests were answered at least this fast, within 2 %: of the merged histogram, never an average of quantiles.`,
});

export const responseTimeReport: ReportSpec<ResponseTimeParams> = {
  name: "response-time",
  title: "Response time per release",
  meaning:
    "Response times and failed requests (status 500 or more) of each release of each service, from the access logs.",
  sources: ["logs"],
  params: ResponseTimeParams,
  columns: [
    { ...PERIOD, type: "time", meaning: "Start of the step (UTC); empty with step=all." },
    word("service", "service.name of the access log."),
    word("release", "service.version of the access log."),
    count("requests", "Requests answered."),
    count("errors", "Requests answered with status 500 or more."),
    share("errorRate", "errors / requests."),
    quantile(50),
    quantile(95),
    quantile(99),
  ],
  finish(request, rows) {
    const key = (row: RawRow): string =>
      JSON.stringify([periodText(request, row), textOf(row, "service"), textOf(row, "release")]);
    return [...groupBy(rows, key).values()].map((group) => releaseRow(request, group));
  },
};

function releaseRow(request: ResolvedRequest<ResponseTimeParams>, group: readonly RawRow[]): Row {
  const sketch = new LatencySketch();
  let requests = 0n;
  let errors = 0n;
  for (const row of group) {
    requests += integerOf(row, "requests");
    errors += integerOf(row, "errors");
    if ((row["bucket"] ?? null) !== null) {
      sketch.addBucket(Number(row["bucket"]), Number(integerOf(row, "requests")));
    }
  }
  const [first = {}] = group;
  return [
    periodText(request, first),
    textOf(first, "service"),
    textOf(first, "release"),
    requests,
    errors,
    ratio(errors, requests),
    ...sketch.quantiles([0.5, 0.95, 0.99]).map((ms) => ms?.toFixed(3) ?? null),
  ];
}

function periodText(request: ResolvedRequest<ResponseTimeParams>, row: RawRow): string | null {
  const { step } = request.params;
  return step === "all" ? null : momentOf(request, periodOf(row, step));
}

const CostParams = hourly({
  costPerDay: z
    .string()
    .regex(/^\d{1,13}$/, { error: "give a whole number of minor units, such as cents" })
    .transform(BigInt)
    .refine((it) => it <= 10n ** 12n, { error: "give at most 10^12" })
    .meta({
      description: "Cost of running the services per day, in minor units of the currency.",
      example: "12000",
    }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, { error: "give an ISO 4217 currency, for example EUR" })
    .meta({ description: "Currency of the cost.", example: "EUR" }),
  service: serviceParam,
});
export type CostParams = z.output<typeof CostParams>;

const DAY_MS = 86_400_000n;

export const costReport: ReportSpec<CostParams> = {
  name: "cost-per-request",
  title: "Cost per request",
  meaning:
    "Cost of the step divided by the requests answered in it. Future time costs nothing. Part of a day costs the same part of costPerDay, rounded down to whole minor units so that the steps never cost more than the days.",
  sources: ["logs"],
  params: CostParams,
  columns: [
    { ...PERIOD, type: "time", meaning: "Start of the step (UTC; weeks begin on Monday)." },
    count("requests", "Requests answered."),
    CURRENCY,
    money("cost", "Cost of the part of the step inside the range, up to now."),
    {
      name: "costPerRequest",
      type: "decimal",
      unit: "minor units per request",
      meaning: "cost / requests. Six digits, rounded half away from zero; empty without requests.",
    },
  ],
  finish(request, rows) {
    const { params, buckets, range, nowMs } = request;
    const endMs = Math.max(range.fromMs, nowMs);
    const at = new Map(rows.map((row) => [periodOf(row, params.step), integerOf(row, "requests")]));
    const costUntil = (ms: number): bigint =>
      (params.costPerDay * BigInt(Math.min(ms, endMs) - range.fromMs)) / DAY_MS;
    return buckets.map(({ name, fromMs, toMs }) => {
      const requests = at.get(name) ?? 0n;
      const cost = costUntil(toMs) - costUntil(fromMs);
      return [momentOf(request, name), requests, params.currency, cost, ratio(cost, requests)];
    });
  },
};
