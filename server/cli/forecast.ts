import { once } from "node:events";
import { createInterface } from "node:readline";

import { z } from "zod";

import { forecast } from "#forecaster/forecast-series.ts";
import type { Forecast, ForecastAnswer } from "#forecaster/forecast.ts";
import { AppError } from "#platform/errors.ts";
import { printableJson } from "#platform/terminal.ts";

import type { Command } from "./command.ts";

const HORIZON_MAX = 100_000;
const VALUES_MAX = 2_000_000;
const EXIT_OK = 0;

const Task = z.object({
  id: z.string(),
  freq_seconds: z.number().positive(),
  seasonalities: z.array(z.int().min(2)).min(1),
  values: z.array(z.number().nullable()).max(VALUES_MAX),
  horizon: z.int().min(1).max(HORIZON_MAX),
  levels: z.array(z.number().gt(0).lt(100)).default([80, 95]),
  sum_horizon: z.int().min(1).max(HORIZON_MAX).optional(),
});
type Task = z.infer<typeof Task>;

const help = `usage: quarterdeck forecast < tasks.jsonl

Forecasts each series from its own history. Reads tasks as JSON lines and answers each with one line, immediately.

A task:
  {"id":"web","freq_seconds":3600,"seasonalities":[24,168],"values":[12,null,15,…],"horizon":48,"levels":[80,95]}
    id            returned with the answer
    freq_seconds  length of a step
    seasonalities season lengths in steps, e.g. of a day and a week
    values        the history, oldest first; null where nothing was measured
    horizon       number of steps to forecast
    levels        nominal coverage of the intervals in percent (80 and 95 if absent)
    sum_horizon   also forecast the sum of this many steps

Its answer:
  {"id":"web","model":"seasonal ensemble","mean":[…],"lower":{"80":[…],"95":[…]},"upper":{…},
   "sum":{"mean":…,"lower":{…},"upper":{…}},"score":{"origins":28,"mase":0.7,"coverage":[…]}}
    score         from a backtest on the history: the error relative to repeating the previous season (below 1 is
                  better), and the share of actual values inside each interval
If the history is too short or the line is not a valid task:
  {"id":"web","error":"needs two full days of history, has 11 h"}
The exit status is 0 even then.
`;

export const forecastCommand: Command = {
  name: "forecast",
  summary: "Forecast series given as JSON lines on standard input",
  help,
  async run(args) {
    if (args.length > 0) {
      throw new AppError(
        "bad_request",
        `forecast takes no arguments, got "${args.join(" ")}"; it reads tasks from standard input`,
      );
    }
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
      if (line.trim() === "") continue;
      const written = process.stdout.write(`${printableJson(answerLine(line))}\n`);
      if (!written) await once(process.stdout, "drain");
    }
    return EXIT_OK;
  },
};

/** One response per input line; an invalid line gets an error. */
export function answerLine(line: string): object {
  let input: unknown;
  try {
    input = JSON.parse(line);
  } catch {
    return { id: null, error: "this line is not JSON: write one task per line" };
  }
  const parsed = Task.safeParse(input);
  if (!parsed.success) return { id: idOf(input), error: problemOf(parsed.error) };
  return answerTask(parsed.data);
}

const WithId = z.object({ id: z.string() });

function idOf(input: unknown): string | null {
  return WithId.safeParse(input).data?.id ?? null;
}

function problemOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => `${issue.path.join(".") || "the line"}: ${issue.message}`)
    .join("; ");
}

function answerTask(task: Task): object {
  const answer = forecastOf(task, task.horizon);
  if (answer.status === "learning") return { id: task.id, error: answer.reason };
  const { model, mean, intervals, score } = answer.forecast;
  const sum = task.sum_horizon === undefined ? null : sumOf(task, answer.forecast);
  return { id: task.id, model, mean, ...bounds(intervals), ...(sum ? { sum } : {}), score };
}

function forecastOf(task: Task, horizon: number): ForecastAnswer {
  return forecast({
    series: { startMs: 0, stepMs: task.freq_seconds * 1000, values: task.values },
    horizon,
    seasonalities: task.seasonalities,
    levels: task.levels,
  });
}

function sumOf(task: Task, whole: Forecast): object | null {
  const steps = task.sum_horizon ?? task.horizon;
  const answer = steps === task.horizon ? null : forecastOf(task, steps);
  if (answer?.status === "learning") return null;
  const { sum } = answer?.forecast ?? whole;
  return { mean: sum.mean, ...bounds(sum.intervals) };
}

function bounds<T>(intervals: readonly { level: number; lower: T; upper: T }[]): object {
  return {
    lower: Object.fromEntries(intervals.map(({ level, lower }) => [String(level), lower])),
    upper: Object.fromEntries(intervals.map(({ level, upper }) => [String(level), upper])),
  };
}
