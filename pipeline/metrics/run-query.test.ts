import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { LIST_SEPARATOR } from "#collectors/fields.ts";
import type { SourceId } from "#collectors/source.ts";
import { systemClock } from "#platform/clock.ts";

import type { Condition, Filter } from "../filter.ts";
import { FrameAccumulator } from "../fold/accumulator.ts";
import { bucketOf, LatencySketch, valueOf } from "../sketches/latency-sketch.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import type { EventStore } from "../store/port.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { MetricQuery } from "./query.ts";
import { runQuery } from "./run-query.ts";

const START_MS = Date.UTC(2026, 4, 17, 9, 47, 12, 345);
const SPAN_MS = 3 * 3_600_000;
const ROWS = 3000;

type Event = {
  t: number;
  dataset: string;
  status?: number;
  ns?: number;
  bytes?: number;
  allBytes?: number;
  route?: string;
  path: string;
  address?: string;
  agent?: string;
  user?: string;
  action?: string;
  category?: string;
  type?: string;
  server?: string;
  handling?: string;
  level?: string;
  connections?: number;
};

/** Deterministic numbers in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
const random = randomNumbers(20_261_123);
const oneOf = <T>(first: T, ...rest: T[]): T =>
  [first, ...rest][Math.floor(random() * (rest.length + 1))] ?? first;
const maybe = <T>(share: number, value: () => T): T | undefined =>
  random() < share ? value() : undefined;

function makeEvent(): Event {
  const dataset = oneOf("nginx.access", "nginx.access", "haproxy.log", "nginx.error", "shop.app");
  const isError = dataset === "nginx.error";
  const event: { [K in keyof Event]: Event[K] | undefined } = {
    t: START_MS + Math.floor(random() * SPAN_MS),
    dataset,
    path: `/item/${Math.floor(random() * 30)}`,
    status: isError ? undefined : maybe(0.9, () => oneOf(200, 200, 200, 304, 404, 500, 503)),
    ns: maybe(0.8, () => Math.floor(Math.exp(random() * 20))),
    bytes: maybe(0.7, () => Math.floor(random() * 5000)),
    allBytes: maybe(0.3, () => Math.floor(random() * 6000)),
    route: isError ? undefined : maybe(0.9, () => oneOf("/item/{id}", "/", "/cart", "/login")),
    address: maybe(0.95, () => `198.51.100.${Math.floor(random() * 200)}`),
    agent: maybe(0.9, () => oneOf("curl", "firefox", "safari")),
    user: maybe(0.1, () => oneOf("ann", "bob", "cy")),
    action: maybe(0.05, () => oneOf("user-sign-in", "user-sign-out", "cart-emptied")),
    category: dataset === "nginx.access" ? undefined : oneOf("web", "web", "database", "iam"),
    type: isError ? "error" : maybe(0.9, () => oneOf("access", "info")),
    server: maybe(0.6, () => oneOf("web1", "web2", "<NOSRV>", "web1, web3")),
    handling: maybe(0.3, () => oneOf("hit", "hit", "miss", "pass")),
    level: isError ? oneOf("error", "warn") : undefined,
    connections: maybe(0.5, () => Math.floor(random() * 900)),
  };
  return Object.fromEntries(Object.entries(event).filter(([, v]) => v !== undefined)) as Event;
}

const events = Array.from({ length: ROWS }, makeEvent);

function fill(batch: Batch, event: Event): void {
  const row = batch.rows;
  batch.number("@timestamp").put(row, event.t);
  batch.text("data_stream.dataset").putText(row, event.dataset);
  batch.text("log.source.id").putText(row, "src_test");
  batch.number("log.offset").put(row, row);
  const numbers = {
    "http.response.status_code": event.status,
    "event.duration": event.ns,
    "http.response.body.bytes": event.bytes,
    "http.response.bytes": event.allBytes,
    "haproxy.connections.active": event.connections,
  } as const;
  const texts = {
    "url.path": event.path,
    "http.route": event.route,
    "source.address": event.address,
    "user_agent.original": event.agent,
    "user.name": event.user,
    "event.action": event.action,
    "event.category": event.category && `x${String.fromCharCode(LIST_SEPARATOR)}${event.category}`,
    "event.type": event.type,
    "nginx.upstream.address": event.server,
    "varnish.handling": event.handling,
    "log.level": event.level,
  } as const;
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined) batch.number(name as keyof typeof numbers).put(row, value);
  }
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) batch.text(name as keyof typeof texts).putText(row, value);
  }
  batch.commit();
}

const isRequest = (e: Event): boolean =>
  e.status !== undefined ||
  e.dataset === "nginx.access" ||
  (e.dataset === "haproxy.log" && (e.type === undefined || e.type === "access")) ||
  (e.category === "web" && e.type === "access");
const instanceOf = (e: Event): string =>
  e.server === undefined || e.server === "<NOSRV>" ? "" : (e.server.split(", ").at(-1) ?? "");
const visitorOf = (e: Event): string | undefined =>
  e.user ? `user ${e.user}` : e.address && `at ${e.address} ${e.agent}`;

/** The expected value of the metric, counted event by event. */
function truth(metric: string, of: readonly Event[], seconds: number): number | null {
  const requests = of.filter(isRequest);
  const latency = new LatencySketch();
  for (const { ns } of requests) if (ns !== undefined) latency.addBucket(bucketOf(ns / 1e6), 1);
  const errors = requests.filter(({ status = 0 }) => status >= 500).length;
  const clientErrors = requests.filter(({ status = 0 }) => status >= 400 && status < 500).length;
  const signIns = of.filter(({ action }) => action === "user-sign-in").length;
  const signOuts = of.filter(({ action }) => action === "user-sign-out").length;
  const hits = requests.filter(({ handling }) => handling === "hit").length;
  const misses = requests.filter(({ handling }) => handling === "miss").length;
  const visitors = new Set(requests.map(visitorOf).filter((visitor) => visitor !== undefined));
  const instances = new Set(requests.map(instanceOf).filter((name) => name !== ""));
  const apdex = () =>
    latency.buckets().reduce((score, [bucket, count]) => {
      const ms = valueOf(bucket);
      return score + (ms <= 500 ? count : ms <= 2000 ? count / 2 : 0);
    }, 0) / latency.size;
  const sampled = of
    .flatMap(({ t, connections }) => (connections === undefined ? [] : [{ t, connections }]))
    .toSorted((a, b) => a.t - b.t || a.connections - b.connections);
  const sizes = sampled.map(({ connections }) => connections);
  const ifSampled = (value: () => number) => (sizes.length > 0 ? value() : null);
  const all: Record<string, () => number | null> = {
    connections_last: () => sizes.at(-1) ?? null,
    connections_min: () => ifSampled(() => Math.min(...sizes)),
    connections_max: () => ifSampled(() => Math.max(...sizes)),
    connections_mean: () => ifSampled(() => sizes.reduce((sum, n) => sum + n, 0) / sizes.length),
    requests: () => requests.length,
    requests_per_second: () => requests.length / seconds,
    errors: () => errors,
    error_ratio: () => (requests.length > 0 ? errors / requests.length : null),
    client_errors: () => clientErrors,
    client_error_ratio: () => (requests.length > 0 ? clientErrors / requests.length : null),
    response_time_p50: () => latency.quantile(0.5),
    response_time_p95: () => latency.quantile(0.95),
    response_time_p99: () => latency.quantile(0.99),
    users_connected: () => visitors.size,
    sign_ins: () => signIns,
    sign_outs: () => signOuts,
    turnover: () => signIns - signOuts,
    instances_running: () => instances.size || null,
    cache_hit_ratio: () => (hits + misses > 0 ? hits / (hits + misses) : null),
    apdex: () => (latency.size > 0 ? apdex() : null),
    bytes_sent: () => requests.reduce((sum, e) => sum + (e.bytes ?? e.allBytes ?? 0), 0),
    events: () => of.length - requests.length,
  };
  return all[metric]?.() ?? null;
}

let folder = "";
let store: EventStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarterdeck-query-"));
  store = await openEmbeddedStore({ folder, clock: systemClock });
  const batch = new Batch(ROWS);
  const frames = new FrameAccumulator(batch);
  for (let first = 0; first < ROWS; first += ROWS / 4) {
    const part = events.slice(first, first + ROWS / 4);
    for (const event of part) fill(batch, event);
    // In two parts, as a live batch is folded before it is full.
    frames.fold(0, 100, false);
    frames.fold(100, batch.rows, false);
    const position = { offset: first + part.length };
    const source: SourceId = "src_test";
    await store.append(batch, frames.takeCells(), new Map([[source, position]]));
    batch.reset();
    frames.reset();
  }
});

afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const HOUR = 3_600_000;
const ranges = {
  "more than the data has": [Date.UTC(2026, 4, 17), Date.UTC(2026, 4, 18)],
  "whole hours": [Date.UTC(2026, 4, 17, 10), Date.UTC(2026, 4, 17, 12)],
  "whole minutes": [Date.UTC(2026, 4, 17, 10, 13), Date.UTC(2026, 4, 17, 12, 1)],
  "odd milliseconds": [START_MS + 777_777, START_MS + 2 * HOUR + 123_457],
  "less than a minute": [START_MS + HOUR, START_MS + HOUR + 17_500],
} as const;
const dataset = { field: "data_stream.dataset", op: "eq", value: "nginx.access" } as const;
const notErrorLog: Condition = { field: "data_stream.dataset", op: "ne", value: "nginx.error" };
const path: Condition = { field: "url.path", op: "like", value: "/item/1*" };
const filters: Record<string, { where: Filter; matches: (event: Event) => boolean }> = {
  "no filter": { where: [], matches: () => true },
  "one dataset": { where: [dataset], matches: (e) => e.dataset === "nginx.access" },
  "all but a dataset": { where: [notErrorLog], matches: (e) => e.dataset !== "nginx.error" },
  "a field that only raw events have": {
    where: [path],
    matches: (e) => e.path.startsWith("/item/1"),
  },
};
const measured = Object.values(CATALOGUE).filter(({ source }) => source === "measured");
/** A metric for each way to count. */
const STEPPED = [
  "requests_per_second",
  "error_ratio",
  "response_time_p95",
  "bytes_sent",
  "turnover",
  "instances_running",
  "cache_hit_ratio",
  "events",
  "connections_last",
  "connections_mean",
];
const FIRST_MS = Math.floor(Math.min(...events.map(({ t }) => t)) / 60_000) * 60_000;
const END_MS = (Math.floor(Math.max(...events.map(({ t }) => t)) / 60_000) + 1) * 60_000;

/** Seconds of a range in which there is data, to the minute. All datasets of the test span the same minutes. */
function secondsOf(fromMs: number, toMs: number): number {
  return (Math.min(toMs, END_MS) - Math.max(fromMs, FIRST_MS)) / 1000;
}

/** The range in which visitors are counted: from sketches in whole minutes. */
function minutesAround(metric: string, isRaw: boolean, [from, to]: readonly [number, number]) {
  if (metric !== "users_connected" || isRaw) return [from, to] as const;
  return [Math.floor(from / 60_000) * 60_000, Math.ceil(to / 60_000) * 60_000] as const;
}

function expectAbout(actual: number | null | undefined, expected: number | null): void {
  if (expected === null || actual === null || actual === undefined) expect(actual).toBe(expected);
  else expect(actual).toBeCloseTo(expected, 6);
}

/** A sketch of more than a few hundred is an estimate. */
function expectUsers(actual: number | null | undefined, expected: number | null): void {
  if (expected !== null && expected > 256 && actual) {
    expect(Math.abs(actual - expected) / expected).toBeLessThan(0.1);
  } else expect(actual).toBe(expected);
}

describe.each(Object.entries(filters))("with %s", (filterName, { where, matches }) => {
  const isRaw = filterName.startsWith("a field");
  const matching = events.filter(matches);

  test.each(Object.entries(ranges))("every metric equals the events, over %s", async (_, range) => {
    for (const { name } of measured) {
      const [from, to] = minutesAround(name, isRaw, range);
      const within = matching.filter(({ t }) => t >= from && t < to);
      // Filtered over several datasets, all events that match have visitors: conditions on raw events cannot be joined
      // by "or".
      if (isRaw && name === "users_connected") continue;
      const query: MetricQuery = { metric: name, where, fromMs: range[0], toMs: range[1] };
      const answer = await runQuery(store, query);
      const expected = truth(name, within, secondsOf(...range));
      expect(answer.series, name).toHaveLength(1);
      const expectValue = name === "users_connected" ? expectUsers : expectAbout;
      expectValue(answer.series[0]?.value, expected);
    }
  });

  test.each([7000, 60_000, 900_000, HOUR])(
    "every point equals the events of its step, %d ms",
    async (stepMs) => {
      const fromMs = START_MS + HOUR + 1234;
      const toMs = fromMs + Math.min(2 * HOUR, stepMs * 20);
      for (const name of STEPPED) {
        const answer = await runQuery(store, { metric: name, where, fromMs, toMs, stepMs });
        const points = answer.series[0]?.points ?? [];
        expect(points.length).toBe(Math.ceil(toMs / stepMs) - Math.floor(fromMs / stepMs));
        for (const [tMs, value] of points) {
          const [from, to] = [Math.max(tMs, fromMs), Math.min(tMs + stepMs, toMs)];
          const within = matching.filter(({ t }) => t >= from && t < to);
          const seconds = secondsOf(from, to);
          const isGiven = name !== "requests_per_second" || seconds >= stepMs / 2000;
          expectAbout(value, seconds > 0 && isGiven ? truth(name, within, seconds) : null);
        }
      }
    },
  );
});

describe("the first and the last measured step", () => {
  const stepMs = 30 * 60_000;
  const ask = async (metric: string, fromMs: number, toMs: number) => {
    const answer = await runQuery(store, { metric, where: [], fromMs, toMs, stepMs });
    return answer.series[0]?.points ?? [];
  };

  test("a rate needs half a measured step, a count any part of it", async () => {
    const noon = Date.UTC(2026, 4, 17, 12);
    const [fromMs, toMs] = [noon - 2 * HOUR, noon + 60_000];
    expect((await ask("requests_per_second", fromMs, toMs)).at(-1)).toEqual([noon, null]);
    expect((await ask("requests", fromMs, toMs)).at(-1)?.[1]).toBeGreaterThan(0);
    const half = await ask("requests_per_second", fromMs, noon + stepMs / 2);
    expect(half.at(-1)?.[1]).toBeGreaterThan(0);
  });

  test("a rate of less than a step is returned if no more was measured", async () => {
    const noon = Date.UTC(2026, 4, 17, 12);
    for (const [, value] of await ask("requests_per_second", noon - 60_000, noon + 60_000)) {
      expect(value).toBeGreaterThan(0);
    }
  });
});

describe("users connected", () => {
  const span = { fromMs: Date.UTC(2026, 4, 17, 10, 13), toMs: Date.UTC(2026, 4, 17, 11, 13) };
  const visitors = (from: number, to: number) =>
    truth(
      "users_connected",
      events.filter(({ t }) => t >= from && t < to),
      1,
    );

  test.each([30_000, 60_000, 120_000])(
    "below five minutes the window is five minutes",
    async (stepMs) => {
      const query = { metric: "users_connected", where: [], ...span, stepMs };
      const answer = await runQuery(store, query);
      for (const [tMs, value] of answer.series[0]?.points ?? []) {
        const end = Math.min(Math.ceil((tMs + stepMs) / 60_000) * 60_000, span.toMs);
        expect(value).toBe(visitors(end - 300_000, end));
      }
      expectUsers(answer.series[0]?.value, visitors(span.fromMs, span.toMs));
    },
  );

  test("from five minutes on the window is the step", async () => {
    const query = { metric: "users_connected", where: [], ...span, stepMs: 600_000 };
    const answer = await runQuery(store, query);
    for (const [tMs, value] of answer.series[0]?.points ?? []) {
      const from = Math.max(tMs, span.fromMs);
      expectUsers(value, visitors(from, Math.min(tMs + 600_000, span.toMs)));
    }
  });

  test("a visitor of two steps counts once over the range, also in raw events", async () => {
    const where: Filter = [dataset, path];
    const query = { metric: "users_connected", where, ...span, stepMs: 600_000 };
    const answer = await runQuery(store, query);
    const matching = events.filter(
      (e) => e.dataset === "nginx.access" && e.path.startsWith("/item/1"),
    );
    const within = matching.filter(({ t }) => t >= span.fromMs && t < span.toMs);
    expect(answer.series[0]?.value).toBe(truth("users_connected", within, 1));
    expect(answer.from).toBe("raw");
  });
});

describe("splits", () => {
  const [fromMs, toMs] = ranges["odd milliseconds"];
  const within = events.filter(({ t }) => t >= fromMs && t < toMs);
  const keyOf: Record<string, (event: Event) => string | undefined> = {
    "data_stream.dataset": (e) => e.dataset,
    "http.response.status_code": (e) => String(e.status ?? "unknown"),
    "http.route": (e) => e.route,
    "url.path": (e) => e.path,
    "service.node.name": (e) => instanceOf(e) || undefined,
  };

  test.each(Object.entries(keyOf))("requests by %s equal the events", async (field, key) => {
    const by = { field, limit: 100 };
    const query: MetricQuery = { metric: "requests", where: [], fromMs, toMs, by, stepMs: HOUR };
    // Instances are in other fields than the one that names the split.
    const expected = new Map<string, number>();
    for (const event of within.filter(isRequest)) {
      const name = key(event);
      if (name !== undefined) expected.set(name, (expected.get(name) ?? 0) + 1);
    }
    const answer = await runQuery(store, query);
    expect(Object.fromEntries(answer.series.map((s) => [s.key, s.value]))).toEqual(
      Object.fromEntries(expected),
    );
    const values = answer.series.map(({ value }) => value ?? 0);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    const sums = answer.series.map(({ points }) =>
      points.reduce((sum, [, v]) => sum + (v ?? 0), 0),
    );
    expect(sums).toEqual(values);
  });

  test("every metric can be split by dataset", async () => {
    const by = { field: "data_stream.dataset", limit: 10 };
    for (const { name } of measured) {
      const answer = await runQuery(store, { metric: name, where: [], fromMs, toMs, by });
      for (const { key, value } of answer.series) {
        const [from, to] = minutesAround(name, false, [fromMs, toMs]);
        const own = events.filter((e) => e.dataset === key && e.t >= from && e.t < to);
        const expectValue = name === "users_connected" ? expectUsers : expectAbout;
        expectValue(value, truth(name, own, secondsOf(fromMs, toMs)));
      }
    }
  });

  test("a gauge split by a field that only raw events have equals the events", async () => {
    const by = { field: "url.path", limit: 100 };
    const query = { metric: "connections_max", where: [], fromMs, toMs, by };
    const { series, from } = await runQuery(store, query);
    expect(from).toBe("raw");
    expect(series.length).toBeGreaterThan(20);
    for (const { key, value } of series) {
      const own = within.filter((event) => event.path === key);
      expect(value).toBe(truth("connections_max", own, 1));
    }
  });

  test("only the largest series are returned, up to the limit", async () => {
    const by = { field: "url.path", limit: 3 };
    const answer = await runQuery(store, { metric: "requests", where: [], fromMs, toMs, by });
    expect(answer.series).toHaveLength(3);
  });
});

describe("times without measurements", () => {
  const where: Filter = [];

  test("a count is null before and after the data, and zero within", async () => {
    const fromMs = Date.UTC(2026, 4, 17, 9);
    const toMs = Date.UTC(2026, 4, 17, 10);
    const quiet: Filter = [{ field: "url.path", op: "eq", value: "/nobody" }];
    const query = { metric: "requests_per_second", where: quiet, fromMs, toMs, stepMs: 60_000 };
    const answer = await runQuery(store, query);
    const points = new Map(answer.series[0]?.points);
    expect(points.get(Date.UTC(2026, 4, 17, 9, 46))).toBeNull();
    expect(points.get(Date.UTC(2026, 4, 17, 9, 47))).toBe(0);
  });

  test("a range without data has one empty series", async () => {
    const answer = await runQuery(store, { metric: "requests", where, fromMs: 0, toMs: HOUR });
    expect(answer.series).toEqual([{ key: null, value: null, points: [] }]);
  });

  test.each([
    [{ metric: "nonsense" }, "there is no metric"],
    [{ metric: "predicted_requests_per_second" }, "predicted, not counted"],
    [{ fromMs: 5, toMs: 5 }, "is empty"],
    [{ stepMs: 0 }, "must be a whole number"],
    [{ stepMs: 1, toMs: START_MS + HOUR }, "more than 10000"],
    [{ metric: "users_connected", where: [path], stepMs: 1000 }, "5 minutes or more"],
    [{ metric: "instances_running", by: { field: "url.path", limit: 5 } }, "cannot be split"],
  ])("an invalid query is rejected: %j", async (part, message) => {
    const query = { metric: "requests", where, fromMs: START_MS, toMs: START_MS + 1000, ...part };
    await expect(runQuery(store, query)).rejects.toThrow(message);
  });
});

test("an event with several statuses is counted for each that is filtered by, as searches find it, and once in all", async () => {
  const own = await mkdtemp(join(tmpdir(), "quarterdeck-query-"));
  await using lists = await openEmbeddedStore({ folder: own, clock: systemClock });
  const batch = new Batch(3);
  const frames = new FrameAccumulator(batch);
  const hourMs = Date.UTC(2026, 4, 17, 10);
  const event = { t: hourMs + 1, dataset: "shop.app", path: "/" };
  for (const status of [404, 503]) fill(batch, { ...event, status });
  const several = { "labels.ignored.http.response.status_code": [404, 503, 200] };
  batch.text("fields_json").putText(batch.rows, JSON.stringify(several));
  fill(batch, { ...event, status: 404 });
  frames.fold(0, batch.rows, false);
  await lists.append(batch, frames.takeCells(), new Map([["src_test", { offset: 3 }]]));
  const range = { fromMs: hourMs, toMs: hourMs + HOUR };
  for (const [status, count] of [
    [404, 2],
    [503, 2],
    [200, 1],
    [500, 0],
  ] as const) {
    const where = [{ field: "http.response.status_code", op: "eq", value: status }] as const;
    const { series } = await runQuery(lists, { metric: "requests", where, ...range });
    const found = await lists.search({ ...range, where, limit: 10 });
    expect([status, series[0]?.value, found.length]).toEqual([status, count, count]);
  }
  const all = await runQuery(lists, { metric: "requests", where: [], ...range });
  expect([all.from, all.series[0]?.value]).toEqual(["rollup", 3]);
  await rm(own, { recursive: true, force: true });
});
