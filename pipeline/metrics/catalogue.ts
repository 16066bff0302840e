import { AppError } from "#platform/errors.ts";

import type { LiveFrame } from "../live/frame.ts";
import { valueOf } from "../live/latency-sketch.ts";
import type { Component, Measures } from "./measures.ts";
import type { MetricAnswer } from "./query.ts";

/** A named measure: everything that asks for numbers asks for these, so that no two places count differently. */
export type Metric = MeasuredMetric | PredictedMetric;

type MetricBase = {
  name: string;
  title: string;
  unit: MetricAnswer["unit"];
  /** How it is counted, in plain words for the person who looks at it. */
  meaning: string;
};

/** Answered by the forecaster, from the history of a count. */
export type PredictedMetric = MetricBase & {
  source: "forecast";
  predicts: { count: "requests" | "sign_ins" | "sign_outs"; per: "second" | "step" };
};

export type MeasuredMetric = MetricBase & {
  source: "measured";
  components: readonly Component[];
  /** The value of a stretch of `seconds` seconds that was measured; null where there is nothing to tell it from. */
  value(measures: Measures, seconds: number): number | null;
  /** The value that a live frame carries; absent where live frames do not know it. */
  live?(frame: LiveFrame): number | null;
};

const APDEX_SATISFIED_MS = 500;
const APDEX_TOLERATED_MS = 4 * APDEX_SATISFIED_MS;
const ZERO_RULE =
  "Zero between the oldest and the newest event, nothing before and after them. Points start at multiples of the step.";
const REQUEST =
  "A request is an event with a response status, or any line of an access log of nginx, Apache, HAProxy or Varnish.";

function responseTime(percent: 50 | 95 | 99): MeasuredMetric {
  const key = `p${percent}` as const;
  const told = percent === 50 ? "Half of all requests were" : `${percent} % of all requests were`;
  return {
    name: `response_time_${key}`,
    title: `Response time ${key}`,
    unit: "ms",
    meaning: `${told} answered at least this fast, within 2 %. Of requests whose log line tells a duration; merged before the quantile is taken, never averaged.`,
    source: "measured",
    components: ["latency"],
    value: ({ latency }) => latency.quantile(percent / 100),
    live: (frame) => frame.responseTimeMs[key],
  };
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function apdex({ latency }: Measures): number | null {
  let score = 0;
  for (const [bucket, count] of latency.buckets()) {
    const ms = valueOf(bucket);
    if (ms <= APDEX_SATISFIED_MS) score += count;
    else if (ms <= APDEX_TOLERATED_MS) score += count / 2;
  }
  return ratio(score, latency.count);
}

const METRICS: readonly Metric[] = [
  {
    name: "requests_per_second",
    title: "Requests per second",
    unit: "1/s",
    meaning: `Requests divided by the seconds of the step that lie in the range and in the minutes from the oldest to the newest event; nothing where that is less than half of a step, unless all that was measured is less than a step. ${REQUEST} ${ZERO_RULE}`,
    source: "measured",
    components: ["requests"],
    value: ({ requests }, seconds) => requests / seconds,
    live: (frame) => frame.requestsPerSecond,
  },
  {
    name: "requests",
    title: "Requests",
    unit: "count",
    meaning: `${REQUEST} ${ZERO_RULE}`,
    source: "measured",
    components: ["requests"],
    value: ({ requests }) => requests,
  },
  {
    name: "errors",
    title: "Errors",
    unit: "count",
    meaning: `Requests that were answered with a status of 500 or more. 4xx are the client's errors: they show when requests are split by status. ${ZERO_RULE}`,
    source: "measured",
    components: ["errors"],
    value: ({ errors }) => errors,
  },
  {
    name: "error_ratio",
    title: "Error ratio",
    unit: "ratio",
    meaning:
      "Requests answered with a status of 500 or more, divided by all requests. 4xx do not count as errors. Nothing where there were no requests.",
    source: "measured",
    components: ["requests", "errors"],
    value: ({ requests, errors }) => ratio(errors, requests),
    live: (frame) => frame.errorRatio,
  },
  responseTime(50),
  responseTime(95),
  responseTime(99),
  {
    name: "users_connected",
    title: "Users connected",
    unit: "count",
    meaning:
      "Different visitors who sent a request in the five minutes up to the end of the step; for steps of five minutes or more, within the step; without a step, within the range. In whole minutes. A visitor is a user id, else a user name, else a session id, else an address together with a user agent. Exact up to 256, then within some 2 % (a sketch); with a filter by anything but the dataset, the visitors of all events of the step that match.",
    source: "measured",
    components: ["users"],
    value: ({ users, usersCounted }) => users.estimate() + usersCounted,
    live: (frame) => frame.usersConnected,
  },
  {
    name: "sign_ins",
    title: "Sign-ins",
    unit: "count",
    meaning: `Successful sign-ins: events of a session's start, and requests that match the configured sign-in patterns. ${ZERO_RULE}`,
    source: "measured",
    components: ["signIns"],
    value: ({ signIns }) => signIns,
  },
  {
    name: "sign_outs",
    title: "Sign-outs",
    unit: "count",
    meaning: `Sign-outs: events of a session's end, and requests that match the configured sign-out patterns. ${ZERO_RULE}`,
    source: "measured",
    components: ["signOuts"],
    value: ({ signOuts }) => signOuts,
  },
  {
    name: "turnover",
    title: "Turnover",
    unit: "count",
    meaning: `Sign-ins minus sign-outs: above zero, more people came than went. ${ZERO_RULE}`,
    source: "measured",
    components: ["signIns", "signOuts"],
    value: ({ signIns, signOuts }) => signIns - signOuts,
  },
  {
    name: "instances_running",
    title: "Instances running",
    unit: "count",
    meaning:
      "Different instances that answered a request: the service's node, else HAProxy's server, else nginx's last upstream. Nothing where the logs name no instance.",
    source: "measured",
    components: ["instances"],
    value: ({ instances }) => (instances.size > 0 ? instances.size : null),
    live: (frame) => (frame.instances.length > 0 ? frame.instances.length : null),
  },
  {
    name: "cache_hit_ratio",
    title: "Cache-hit ratio",
    unit: "ratio",
    meaning:
      "Hits divided by hits and misses. Requests that were passed or piped could never come from the cache, so they do not count. Nothing where the logs say neither.",
    source: "measured",
    components: ["cache"],
    value: ({ cacheHits, cacheMisses }) => ratio(cacheHits, cacheHits + cacheMisses),
  },
  {
    name: "apdex",
    title: "Apdex",
    unit: "ratio",
    meaning:
      "Requests answered within 500 ms, plus half of those answered within 2 s, divided by all whose duration is known (Apdex with T = 500 ms). The limits are met within 2 %.",
    source: "measured",
    components: ["latency"],
    value: apdex,
  },
  {
    name: "bytes_sent",
    title: "Bytes sent",
    unit: "bytes",
    meaning: `Bytes of response bodies; where a log tells only the whole response, of that. ${ZERO_RULE}`,
    source: "measured",
    components: ["bytes"],
    value: ({ bytes }) => bytes,
  },
  {
    name: "events",
    title: "Log events",
    unit: "count",
    meaning: `Events that are not requests, such as the lines of an error log. ${ZERO_RULE}`,
    source: "measured",
    components: ["events"],
    value: ({ events }) => events,
  },
  {
    name: "predicted_requests_per_second",
    title: "Predicted requests per second",
    unit: "1/s",
    meaning:
      "What the forecaster expects from the history of requests per second, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "requests", per: "second" },
  },
  {
    name: "predicted_sign_ins",
    title: "Predicted sign-ins",
    unit: "count",
    meaning:
      "What the forecaster expects from the history of sign-ins in each step, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "sign_ins", per: "step" },
  },
  {
    name: "predicted_sign_outs",
    title: "Predicted sign-outs",
    unit: "count",
    meaning:
      "What the forecaster expects from the history of sign-outs in each step, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "sign_outs", per: "step" },
  },
];

/** Every metric by its name. */
export const CATALOGUE: Readonly<Record<string, Metric>> = Object.fromEntries(
  METRICS.map((metric) => [metric.name, metric]),
);

/** The metric of that name; AppError `bad_request` lists those that exist. */
export function metricNamed(name: string): Metric {
  const metric = Object.hasOwn(CATALOGUE, name) ? CATALOGUE[name] : undefined;
  if (metric) return metric;
  const names = METRICS.map((known) => known.name).join(", ");
  throw new AppError(
    "bad_request",
    `there is no metric ${JSON.stringify(name)}; there are ${names}`,
  );
}
