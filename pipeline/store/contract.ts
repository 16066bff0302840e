import { expect, test } from "vitest";

import { Batch, isNumberField, isTextField } from "#collectors/batch.ts";
import type { Positions, SourceId } from "#collectors/source.ts";
import { systemClock } from "#platform/clock.ts";

import type { Condition } from "../filter.ts";
import { matches } from "../matches.ts";
import type { RollupCell } from "../rollup.ts";
import { bucketOf } from "../sketches/latency-sketch.ts";
import type { AggregateRequest, EventStore, Expired } from "./port.ts";

type EventFields = Record<string, string | number>;

const DAY_MS = 86_400_000;
export const T0 = Date.UTC(2026, 10, 23, 10, 0, 0);
const SOURCE: SourceId = "src_a";
const ALL = { fromMs: T0, toMs: T0 + 3_600_000, where: [] };

/** A batch of events. By default they have one source and dataset, and times from T0 on, one second apart. */
export function batchOf(events: readonly EventFields[]): Batch {
  const batch = new Batch(Math.max(events.length, 1));
  for (const [i, event] of events.entries()) {
    const fields: EventFields = {
      "@timestamp": T0 + i * 1000,
      "log.source.id": SOURCE,
      "log.offset": i * 100,
      "data_stream.dataset": "nginx.access",
      ...event,
    };
    for (const [name, value] of Object.entries(fields)) {
      if (isTextField(name)) batch.text(name).putText(batch.rows, String(value));
      else if (isNumberField(name)) batch.number(name).put(batch.rows, Number(value));
    }
    batch.commit();
  }
  return batch;
}

export function positionsAt(offset: number, source: SourceId = SOURCE): Positions {
  return new Map([[source, { offset }]]);
}

export const cell = (part: Partial<RollupCell>): RollupCell => ({
  levelS: 60,
  t: T0 / 1000,
  dataset: "nginx.access",
  measure: "requests",
  key: "200",
  value: 1,
  ...part,
});

/**
 * The contract of every event store. `openEmpty` creates an empty store; the returned function opens it, repeatedly.
 */
export function testEventStore(openEmpty: () => Promise<() => Promise<EventStore>>): void {
  const opened = async (): Promise<EventStore> => (await openEmpty())();
  const count = async (store: EventStore, where: AggregateRequest["where"]): Promise<number> => {
    const [row] = await store.aggregate({ ...ALL, where, aggregate: { kind: "count" } });
    return row?.value ?? 0;
  };

  test("an empty store returns empty answers", async () => {
    await using store = await opened();
    expect(await store.search({ ...ALL, limit: 10 })).toEqual([]);
    expect(await store.aggregate({ ...ALL, aggregate: { kind: "count" } })).toEqual([]);
    expect(await store.cells({ ...ALL, levelS: 60, measures: ["requests"] })).toEqual([]);
    expect((await store.positions()).size).toBe(0);
    expect(await store.extents()).toEqual([]);
    expect(await store.event("src_a:0")).toBeUndefined();
    expect(await store.compact()).toBe(false);
  });

  test("rows, cells and positions are stored together and survive a restart", async () => {
    const open = await openEmpty();
    {
      await using store = await open();
      await store.append(batchOf([{}, {}]), [cell({ value: 2 })], positionsAt(200));
      expect(await count(store, [])).toBe(2);
    }
    await using store = await open();
    expect(await count(store, [])).toBe(2);
    expect((await store.positions()).get(SOURCE)).toEqual({ offset: 200 });
    const cells = await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
    expect(cells).toEqual([
      { tMs: T0, dataset: "nginx.access", measure: "requests", key: "200", value: 2, sketches: [] },
    ]);
  });

  test("a search cuts texts of more than 64 KiB, and the event has them whole", async () => {
    await using store = await opened();
    const long = "a".repeat(64 * 1024 + 1);
    const short = "b".repeat(64 * 1024);
    const original = { "event.original": long, message: short };
    await store.append(batchOf([original]), [], positionsAt(1));
    const [found] = await store.search({ ...ALL, limit: 1 });
    expect(found?.fields["message"]).toBe(short);
    expect(found?.fields["event.original"]).toBe(
      `${long.slice(1)}… (cut: the text has ${long.length} bytes)`,
    );
    const whole = await store.event(found?.id ?? "src_:0");
    expect(whole?.fields["event.original"]).toBe(long);
  });

  test("a question whose answer is no longer awaited ends promptly, and later ones are answered", async () => {
    await using store = await opened();
    await store.append(batchOf([{}, {}]), [cell({})], positionsAt(1));
    const ask = (signal: AbortSignal): Promise<unknown>[] => {
      const asking = { signal, asker: "mem_1" };
      return [
        store.search({ ...ALL, limit: 10, ...asking }),
        store.event("src_a:0", asking),
        store.facets({ ...ALL, fields: ["http.route"], limit: 10, ...asking }),
        store.aggregate({ ...ALL, aggregate: { kind: "count" }, ...asking }),
        store.cells({ ...ALL, levelS: 60, measures: ["requests"], ...asking }),
      ];
    };
    const left = new AbortController();
    const leaving = new AbortController();
    left.abort();
    const questions = [...ask(left.signal), ...ask(leaving.signal)];
    leaving.abort();
    for (const result of await Promise.allSettled(questions)) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
    }
    const answers = await Promise.all(ask(new AbortController().signal));
    expect(answers).toHaveLength(5);
    expect(await count(store, [])).toBe(2);
  });

  test("closing ends open questions, and rejects later ones", async () => {
    const store = await opened();
    await store.append(batchOf([{}, {}]), [cell({})], positionsAt(1));
    const ask = (): Promise<unknown>[] => [
      store.search({ ...ALL, limit: 10 }),
      store.aggregate({ ...ALL, aggregate: { kind: "count" } }),
    ];
    const open = Promise.allSettled(ask());
    await store[Symbol.asyncDispose]();
    const later = Promise.allSettled(ask());
    for (const result of [...(await open), ...(await later)]) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
    }
  });

  test("the batch may be reused as soon as append returns", async () => {
    await using store = await opened();
    const batch = batchOf([{ "url.path": "/first" }]);
    await store.append(batch, [], positionsAt(100));
    batch.reset();
    batch.text("url.path").putText(0, "/second");
    expect(await count(store, [{ field: "url.path", op: "eq", value: "/first" }])).toBe(1);
  });

  test("a batch that is appended again is stored once, also after a restart", async () => {
    const open = await openEmpty();
    const append = (store: EventStore, offset: number): Promise<void> =>
      store.append(batchOf([{ "log.offset": offset }]), [cell({})], positionsAt(offset));
    const held = async (store: EventStore): Promise<unknown> => [
      await count(store, []),
      (await store.cells({ ...ALL, levelS: 60, measures: ["requests"] }))[0]?.value,
      (await store.positions()).get(SOURCE),
    ];
    {
      await using store = await open();
      await append(store, 100);
      await append(store, 100);
      expect(await held(store)).toEqual([1, 1, { offset: 100 }]);
    }
    await using store = await open();
    await append(store, 100);
    expect(await held(store)).toEqual([1, 1, { offset: 100 }]);
    await append(store, 200);
    expect(await held(store)).toEqual([2, 2, { offset: 200 }]);
  });

  test("a batch with a later position of one source is another batch", async () => {
    await using store = await opened();
    const both = (b: number): Positions => new Map([...positionsAt(1), ...positionsAt(b, "src_b")]);
    await store.append(batchOf([{}]), [], both(1));
    await store.append(batchOf([{ "log.source.id": "src_b" }]), [], both(2));
    expect(await count(store, [])).toBe(2);
  });

  test("positions are opaque and returned unchanged", async () => {
    await using store = await opened();
    const position = { "": true, cursor: "7:é\u0000", partition: -1.5 };
    await store.append(batchOf([{}]), [], new Map([[SOURCE, position]]));
    expect((await store.positions()).get(SOURCE)).toEqual(position);
  });

  test("positions without rows are stored, and the last one of a source is returned", async () => {
    await using store = await opened();
    await store.append(batchOf([{}]), [], positionsAt(100));
    await store.append(new Batch(1), [], positionsAt(200));
    await store.append(new Batch(1), [], positionsAt(7, "src_b"));
    const positions = await store.positions();
    expect(positions.size).toBe(2);
    expect(positions.get("src_a")).toEqual({ offset: 200 });
    expect(positions.get("src_b")).toEqual({ offset: 7 });
  });

  test("positions are in the order in which they were stored, also after merging and a restart", async () => {
    const open = await openEmpty();
    const expected: SourceId[] = ["src_b", "src_c", "src_a"];
    {
      await using store = await open();
      for (const source of ["src_a", "src_b", "src_c"] satisfies SourceId[]) {
        for (let i = 0; i < 10; i += 1) {
          await store.append(batchOf([{ "log.source.id": source }]), [], positionsAt(i, source));
        }
      }
      await store.append(new Batch(1), [], positionsAt(99, "src_a"));
      expect([...(await store.positions()).keys()]).toEqual(expected);
      while (await store.compact());
    }
    await using store = await open();
    expect([...(await store.positions()).keys()]).toEqual(expected);
  });

  test("a range includes its start and excludes its end", async () => {
    await using store = await opened();
    await store.append(batchOf([{}, {}, {}]), [], positionsAt(1));
    const range = { fromMs: T0 + 1000, toMs: T0 + 2000, where: [] };
    const rows = await store.aggregate({ ...range, aggregate: { kind: "count" } });
    expect(rows).toEqual([{ tMs: T0 + 1000, by: null, bucket: null, value: 1 }]);
  });

  test("time buckets start at multiples of the step", async () => {
    await using store = await opened();
    await store.append(batchOf([{}, {}, {}, {}]), [], positionsAt(1));
    const rows = await store.aggregate({
      ...ALL,
      fromMs: T0 + 1000,
      stepMs: 2000,
      aggregate: { kind: "count" },
    });
    expect(rows.map((row) => [row.tMs - T0, row.value])).toEqual([
      [0, 1],
      [2000, 2],
    ]);
  });

  test("a field that no event has is null and matches nothing", async () => {
    await using store = await opened();
    await store.append(batchOf([{}]), [], positionsAt(1));
    expect(await count(store, [{ field: "user.name", op: "eq", value: "x" }])).toBe(0);
    expect(await count(store, [{ field: "user.name", op: "missing" }])).toBe(1);
    expect(await count(store, [{ field: "no.such.field", op: "missing" }])).toBe(1);
    const rows = await store.aggregate({
      ...ALL,
      aggregate: { kind: "count" },
      by: { field: "user.name", limit: 5 },
    });
    expect(rows).toEqual([{ tMs: T0, by: null, bucket: null, value: 1 }]);
  });

  test("every kind of condition selects the matching events", async () => {
    await using store = await opened();
    await store.append(
      batchOf([
        { "url.path": "/a_b", "http.response.status_code": 200, "event.category": "web" },
        { "url.path": "/aXb", "http.response.status_code": 404, "event.category": "web\u001Fapi" },
        {
          "http.response.status_code": 500,
          fields_json: '{"a.b":"x","n":7,"l":["x","Y%",3],"yes":true}',
          message: "50% Off",
          "error.message": "Division by zero",
        },
      ]),
      [],
      positionsAt(1),
    );
    const status = "http.response.status_code";
    const cases: [AggregateRequest["where"][number], number][] = [
      [{ field: status, op: "eq", value: "404" }, 1],
      [{ field: status, op: "ne", value: 404 }, 2],
      [{ field: status, op: "gte", value: 404 }, 2],
      [{ field: status, op: "lt", value: 404.5 }, 2],
      [{ field: status, op: "like", value: "4*" }, 1],
      [{ field: "url.path", op: "one_of", values: ["/a_b", "/aXb", "it's"] }, 2],
      [{ field: "event.category", op: "one_of", values: ["api", "db"] }, 1],
      [{ field: "url.path", op: "one_of", values: [] }, 0],
      [{ field: "url.path", op: "eq", value: "/a_b" }, 1],
      [{ field: "url.path", op: "like", value: "/A_*" }, 1],
      [{ field: "url.path", op: "not_like", value: "/a*" }, 1],
      [{ field: "url.path", op: "ne", value: "/a_b" }, 2],
      [{ field: "url.path", op: "exists" }, 2],
      [{ field: "event.category", op: "eq", value: "api" }, 1],
      [{ field: "event.category", op: "like", value: "W*" }, 2],
      [{ field: "event.category", op: "missing" }, 1],
      [{ field: "a.b", op: "eq", value: "x" }, 1],
      [{ field: "n", op: "gt", value: 6 }, 1],
      [{ field: "l", op: "eq", value: "x" }, 1],
      [{ field: "l", op: "eq", value: "y%" }, 0],
      [{ field: "l", op: "ne", value: "x" }, 2],
      [{ field: "l", op: "like", value: "y%*" }, 1],
      [{ field: "l", op: "not_like", value: "*%" }, 2],
      [{ field: "l", op: "gt", value: 2 }, 1],
      [{ field: "l", op: "gt", value: 3 }, 0],
      [{ field: "l", op: "exists" }, 1],
      [{ field: "yes", op: "eq", value: "true" }, 1],
      [{ field: "*", op: "contains", value: "0% oFF" }, 1],
      [{ field: "*", op: "contains", value: "0 oFF" }, 0],
      [{ field: "*", op: "contains", value: "division BY" }, 1],
      [{ field: "@timestamp", op: "gt", value: T0 + 1000 }, 1],
      [{ field: "@timestamp", op: "eq", value: T0 + 1000 }, 1],
    ];
    const all = await store.search({ ...ALL, where: [], limit: 10 });
    for (const [condition, expected] of cases) {
      // Live tails select the same events as searches.
      const followed = all.filter(({ fields }) => matches(fields, [condition]));
      expect([condition, followed.length]).toEqual([condition, expected]);
      expect([condition, await count(store, [condition])]).toEqual([condition, expected]);
    }
  });

  test("each number of a list is found, also after a merge", async () => {
    await using store = await opened();
    const port = "source.port";
    const list = '{"labels.ignored_fields":["source.port"],"labels.ignored.source.port":[80,443]}';
    for (let i = 0; i < 12; i += 1) {
      await store.append(
        batchOf([{ [port]: 80, fields_json: list, "log.offset": i }, { [port]: 22 }, {}]),
        [],
        positionsAt(i + 1),
      );
    }
    const cases: [AggregateRequest["where"][number], number][] = [
      [{ field: port, op: "eq", value: 80 }, 12],
      [{ field: port, op: "eq", value: "443" }, 12],
      [{ field: port, op: "gte", value: 81 }, 12],
      [{ field: port, op: "lt", value: 80 }, 12],
      [{ field: port, op: "like", value: "4*" }, 12],
      [{ field: port, op: "ne", value: 443 }, 24],
      [{ op: "not", of: [{ field: port, op: "eq", value: 443 }] }, 24],
      [
        {
          op: "or",
          of: [[{ field: port, op: "eq", value: 443 }], [{ field: port, op: "eq", value: 22 }]],
        },
        24,
      ],
      [{ field: port, op: "exists" }, 24],
    ];
    for (let round = 0; round < 2; round += 1) {
      const all = await store.search({ ...ALL, where: [], limit: 100 });
      for (const [condition, expected] of cases) {
        const followed = all.filter(({ fields }) => matches(fields, [condition]));
        expect([condition, followed.length]).toEqual([condition, expected]);
        expect([condition, await count(store, [condition])]).toEqual([condition, expected]);
        const found = await store.search({ ...ALL, where: [condition], limit: 100 });
        expect([condition, found.length]).toEqual([condition, expected]);
      }
      const facets = await store.facets({
        ...ALL,
        where: [{ field: port, op: "eq", value: 443 }],
        fields: [port],
        limit: 5,
      });
      expect(facets.get(port)).toEqual([{ value: "80", count: 12 }]);
      while (await store.compact());
    }
  });

  test("an invalid value for a field is rejected with the name of the field", async () => {
    await using store = await opened();
    await store.append(batchOf([{}]), [], positionsAt(1));
    const where = [{ field: "http.response.status_code", op: "eq", value: "abc" }] as const;
    await expect(count(store, where)).rejects.toThrow(/http\.response\.status_code is a number/);
  });

  test("a split has the most frequent values, each with its own series", async () => {
    await using store = await opened();
    const paths = ["/a", "/a", "/a", "/b", "/b", "/c"];
    await store.append(batchOf(paths.map((path) => ({ "url.path": path }))), [], positionsAt(1));
    const rows = await store.aggregate({
      ...ALL,
      stepMs: 2000,
      aggregate: { kind: "count" },
      by: { field: "url.path", limit: 2 },
    });
    expect(rows.map((row) => [row.tMs - T0, row.by, row.value])).toEqual([
      [0, "/a", 2],
      [2000, "/a", 1],
      [2000, "/b", 1],
      [4000, "/b", 1],
    ]);
  });

  test("sums and distinct values are computed from the rows", async () => {
    await using store = await opened();
    await store.append(
      batchOf([
        { "http.response.bytes": 5, "source.address": "a", "user_agent.original": "x" },
        { "http.response.bytes": 7, "source.address": "a", "user_agent.original": "y" },
        { "source.address": "a", "user_agent.original": "x" },
        {},
      ]),
      [],
      positionsAt(1),
    );
    const value = async (aggregate: AggregateRequest["aggregate"]): Promise<number | undefined> =>
      (await store.aggregate({ ...ALL, aggregate }))[0]?.value;
    expect(await value({ kind: "sum", field: "http.response.bytes" })).toBe(12);
    const fields = ["source.address", "user_agent.original"];
    expect(await value({ kind: "distinct", fields })).toBe(2);
    expect(await value({ kind: "distinct", fields: ["source.address"] })).toBe(1);
  });

  test("distinct values of a large number are counted to within 2 %", async () => {
    await using store = await opened();
    const events = Array.from({ length: 20_000 }, (_, i) => ({
      "@timestamp": T0,
      "source.address": `10.0.${i % 100}.${Math.floor(i / 100) % 100}`,
    }));
    await store.append(batchOf(events), [], positionsAt(1));
    const aggregate = { kind: "distinct", fields: ["source.address"] } as const;
    const [row] = await store.aggregate({ ...ALL, aggregate });
    expect(Math.abs((row?.value ?? 0) / 10_000 - 1)).toBeLessThan(0.02);
  });

  test("a duration has the same latency bucket as in the sketch", async () => {
    await using store = await opened();
    const durations = [-5, 0, 1, 1000, 1001, 999_999, 1e6, 1e6 + 1, 123_456_789, 9e15];
    for (let ms = 0.002; ms < 1e7; ms *= 51 / 49) {
      durations.push(Math.floor(ms * 1e6), Math.ceil(ms * 1e6));
    }
    const batch = batchOf(durations.map((ns) => ({ "event.duration": ns, "@timestamp": T0 })));
    await store.append(batch, [], positionsAt(1));
    const aggregate = { kind: "latency", field: "event.duration" } as const;
    const rows = await store.aggregate({ ...ALL, aggregate });
    const expected = new Map<number, number>();
    for (const ns of durations.filter((duration) => duration >= 0)) {
      const bucket = bucketOf(ns / 1e6);
      expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
    }
    expect(new Map(rows.map((row) => [row.bucket, row.value]))).toEqual(expected);
  });

  test("a gauge has the last value in time, the extremes and the sum of a field", async () => {
    await using store = await opened();
    const field = "haproxy.connections.active";
    const values = [5, undefined, 9, 2, 7];
    await store.append(
      batchOf(values.map((value) => (value === undefined ? {} : { [field]: value }))),
      [],
      positionsAt(1),
    );
    const later = { "@timestamp": T0 - 1000, [field]: 50 };
    await store.append(batchOf([{ ...later, "url.path": "/late" }]), [], positionsAt(2));
    const range = { ...ALL, fromMs: T0 - 1000, aggregate: { kind: "gauge", field } } as const;
    const [all] = await store.aggregate(range);
    const lastMs = T0 + 4000;
    expect(all?.gauge).toEqual({ count: 5, lastMs, last: 7, min: 2, max: 50, sum: 73 });
    expect(all?.value).toBe(5);
    const stepped = await store.aggregate({ ...range, stepMs: 2000 });
    expect(stepped.map(({ tMs, gauge }) => [tMs - T0, gauge?.last])).toEqual([
      [-2000, 50],
      [0, 5],
      [2000, 2],
      [4000, 7],
    ]);
    const split = await store.aggregate({ ...range, by: { field: "url.path", limit: 5 } });
    expect(split.find(({ by }) => by === "/late")?.gauge).toMatchObject({ count: 1, last: 50 });
  });

  test("a field that got a column in a later release is found in earlier events", async () => {
    await using store = await opened();
    const field = "haproxy.connections.active";
    const before = { fields_json: JSON.stringify({ [field]: 41, "haproxy.mode": "http" }) };
    await store.append(batchOf([before, { [field]: 42 }, {}]), [], positionsAt(1));
    expect(await count(store, [{ field, op: "gte", value: 41 }])).toBe(2);
    expect(await count(store, [{ field, op: "eq", value: 41 }])).toBe(1);
    expect(await count(store, [{ field, op: "missing" }])).toBe(1);
    const found = await store.search({ ...ALL, limit: 10 });
    expect(found.map(({ fields }) => fields[field])).toEqual([undefined, 42, 41]);
    const [gauge] = await store.aggregate({ ...ALL, aggregate: { kind: "gauge", field } });
    expect(gauge?.gauge).toMatchObject({ count: 2, last: 42, min: 41 });
  });

  test("cells are summed over a bucket, and their sketches are returned", async () => {
    await using store = await opened();
    const minute = (i: number): number => T0 / 1000 + i * 60;
    const sketch = Uint8Array.of(1, 2, 255);
    await store.append(
      batchOf([{}]),
      [
        cell({ t: minute(0), value: 2 }),
        cell({ t: minute(1), value: 3 }),
        cell({ t: minute(1), key: "500" }),
        cell({ t: minute(5), value: 4, dataset: "apache.access" }),
        cell({ t: minute(0), measure: "users", key: "", value: 0, sketch }),
        cell({ t: T0 / 1000, levelS: 3600, value: 9 }),
      ],
      positionsAt(1),
    );
    const request = { ...ALL, levelS: 60, measures: ["requests"] } as const;
    const merged = await store.cells({ ...request, stepMs: 300_000 });
    const plain = merged.map((one) => [one.tMs - T0, one.dataset, one.key, one.value]);
    expect(plain.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
      [0, "nginx.access", "200", 5],
      [0, "nginx.access", "500", 1],
      [300_000, "apache.access", "200", 4],
    ]);
    const added = await store.cells({ ...request, byKey: false, dataset: "nginx.access" });
    expect(added.map((one) => [one.tMs, one.key, one.value])).toEqual([[T0, "", 6]]);
    const [users] = await store.cells({ ...request, measures: ["users"] });
    expect(users?.sketches.map((one) => [...one])).toEqual([[1, 2, 255]]);
    const hours = await store.cells({ ...request, levelS: 3600 });
    expect(hours.map((one) => one.value)).toEqual([9]);
  });

  test("the pages of a search have all events once, newest first", async () => {
    await using store = await opened();
    const events = Array.from({ length: 25 }, (_, i) => ({
      "@timestamp": T0 + Math.floor(i / 10) * 1000,
    }));
    await store.append(batchOf(events.slice(0, 12)), [], positionsAt(1));
    const rest = events.slice(12).map((event, i) => ({ ...event, "log.offset": (12 + i) * 100 }));
    await store.append(batchOf(rest), [], positionsAt(2));
    const seen: string[] = [];
    let after: { tMs: number; id: `${SourceId}:${number}` } | undefined;
    for (;;) {
      const page = await store.search({ ...ALL, limit: 4, ...(after && { after }) });
      seen.push(...page.map((event) => event.id));
      const last = page.at(-1);
      if (!last) break;
      after = { tMs: Date.parse(String(last.fields["@timestamp"])), id: last.id };
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `src_a:${(24 - i) * 100}`));
  });

  test("an event is found by its id with all its fields", async () => {
    await using store = await opened();
    const batch = batchOf([
      {},
      {
        "event.category": "web\u001Fapi",
        message: "Grüße\0\u001B[31m",
        "http.response.status_code": 200,
        fields_json: '{"a.b":{"c":[1]},"__proto__":1}',
      },
    ]);
    await store.append(batch, [], positionsAt(1));
    const event = await store.event("src_a:100");
    expect(JSON.parse(JSON.stringify(event?.fields))).toEqual(
      JSON.parse(`{
        "@timestamp": "2026-11-23T10:00:01.000Z", "log.source.id": "src_a", "log.offset": 100,
        "data_stream.dataset": "nginx.access", "event.category": ["web", "api"],
        "message": "Grüße\\u0000\\u001b[31m", "http.response.status_code": 200,
        "a.b": { "c": [1] }, "__proto__": 1 }`),
    );
    expect(await store.event("src_a:50")).toBeUndefined();
    expect(await store.event("src_b:100")).toBeUndefined();
  });

  test("facets count the most frequent values of each field", async () => {
    await using store = await opened();
    await store.append(
      batchOf([
        { "url.path": "/a", "event.category": "web\u001Fapi", "http.response.status_code": 200 },
        { "url.path": "/a", "event.category": "web" },
        { "url.path": "/b" },
      ]),
      [],
      positionsAt(1),
    );
    const fields = ["url.path", "event.category", "http.response.status_code", "no.such.field"];
    const facets = await store.facets({ ...ALL, fields, limit: 1 });
    expect([...facets]).toEqual([
      ["url.path", [{ value: "/a", count: 2 }]],
      ["event.category", [{ value: "web", count: 2 }]],
      ["http.response.status_code", [{ value: "200", count: 1 }]],
      ["no.such.field", []],
    ]);
  });

  test("several values of a field that usually has one are each found, counted and shown as a list", async () => {
    await using store = await opened();
    await store.append(
      batchOf([
        { "source.ip": "203.0.113.7\u001F198.51.100.2", "http.response.status_code": 200 },
        { "source.ip": "203.0.113.7", "http.response.status_code": 404 },
        { "source.ip": "198.51.100.20", "url.path": "a\u001Fb" },
        {},
      ]),
      [],
      positionsAt(1),
    );
    const found = async (...where: Condition[]): Promise<number> =>
      (await store.search({ ...ALL, where, limit: 10 })).length;
    const field = "source.ip";
    expect(await found({ field, op: "eq", value: "203.0.113.7" })).toBe(2);
    expect(await found({ field, op: "eq", value: "198.51.100.2" })).toBe(1);
    expect(await found({ field, op: "ne", value: "198.51.100.2" })).toBe(3);
    expect(await found({ field, op: "like", value: "198.51.*" })).toBe(2);
    expect(await found({ field, op: "not_like", value: "198.51.*" })).toBe(2);
    expect(await found({ field: "url.path", op: "eq", value: "a" })).toBe(0);
    const facets = await store.facets({
      ...ALL,
      fields: [field, "http.response.status_code", "url.path"],
      limit: 3,
    });
    expect([...facets]).toEqual([
      [
        field,
        [
          { value: "203.0.113.7", count: 2 },
          { value: "198.51.100.2", count: 1 },
          { value: "198.51.100.20", count: 1 },
        ],
      ],
      [
        "http.response.status_code",
        [
          { value: "200", count: 1 },
          { value: "404", count: 1 },
        ],
      ],
      ["url.path", [{ value: "a\u001Fb", count: 1 }]],
    ]);
    const events = await store.search({ ...ALL, limit: 10 });
    expect(events.map(({ fields }) => fields[field])).toContainEqual([
      "203.0.113.7",
      "198.51.100.2",
    ]);
  });

  test("extents have the rows and times of each dataset", async () => {
    await using store = await opened();
    await store.append(batchOf([{}, {}]), [], positionsAt(1));
    const event = { "@timestamp": T0 + 60_000 };
    await store.append(
      batchOf([event, { ...event, "data_stream.dataset": "apache.access" }]),
      [],
      positionsAt(2),
    );
    expect(await store.extents()).toEqual([
      { dataset: "apache.access", rows: 1, fromMs: T0 + 60_000, toMs: T0 + 60_000 },
      { dataset: "nginx.access", rows: 3, fromMs: T0, toMs: T0 + 60_000 },
    ]);
    const status = await store.status();
    expect([status.rows, status.queries, status.problems]).toEqual([4, 0, []]);
  });

  test("compaction changes neither results nor positions", async () => {
    const open = await openEmpty();
    await using store = await open();
    for (let i = 0; i < 40; i += 1) {
      const batch = batchOf([
        { "@timestamp": T0 + i * 1000, "log.offset": i, "url.path": `/${i}` },
      ]);
      await store.append(batch, [cell({ value: 1 })], positionsAt(i));
    }
    const contents = async (): Promise<unknown> => [
      await store.search({ ...ALL, limit: 100 }),
      await store.cells({ ...ALL, levelS: 60, measures: ["requests"] }),
      await store.extents(),
      await store.positions(),
    ];
    const before = await contents();
    while (await store.compact());
    expect(await contents()).toEqual(before);
    expect((await store.positions()).get(SOURCE)).toEqual({ offset: 39 });
  });

  test("rewritten events replace those of a dataset with their cells, after merging and a restart too", async () => {
    const open = await openEmpty();
    const junk = { "data_stream.dataset": "junk", "host.name": "a", tags: "x\u001Fy" };
    const events = (i: number) => [
      { "log.offset": 10 * i },
      { ...junk, "log.offset": 10 * i + 1, message: "fine" },
      { ...junk, "log.offset": 10 * i + 2, fields_json: '{"a.b":[1]}' },
    ];
    const cells = [cell({}), cell({ dataset: "junk", key: "", value: 2 })];
    const contents = async (store: EventStore): Promise<unknown> => [
      (await store.search({ ...ALL, limit: 100 })).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      await store.extents(),
      await store.positions(),
    ];
    const measured = async (store: EventStore): Promise<unknown> => {
      const found = await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
      return found
        .map((it) => [it.dataset, it.key, it.value])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
    };
    await using store = await open();
    for (let i = 0; i < 12; i += 1) {
      await store.append(batchOf(events(i)), cells, positionsAt(i));
      if (i === 9) while (await store.compact());
    }
    const before = await contents(store);
    const nothing = { changed: 0, cells: [] };
    const whereDataset = (value: string) =>
      ({ where: [{ field: "data_stream.dataset", op: "eq", value }] }) as const;
    await store.rewrite(whereDataset("junk"), () => () => nothing);
    await store.rewrite(whereDataset("other"), () => () => nothing);
    expect(await contents(store)).toEqual(before);
    await store.rewrite(whereDataset("junk"), (batch) => (chosen) => {
      let changed = 0;
      expect(chosen).toHaveLength(batch.rows);
      for (const row of chosen) {
        if (batch.text("message").ids[row] === 0) continue;
        batch.text("data_stream.dataset").putText(row, "fine");
        batch.number("@timestamp").put(row, T0 + 1_500_000);
        changed += 1;
      }
      const part = [{ dataset: "fine" }, { dataset: "junk", key: "" }].map((of) => cell(of));
      return { changed, cells: part.map((one) => ({ ...one, value: changed })) };
    });
    const expected = [
      ["fine", "200", 12],
      ["junk", "", 12],
      ["nginx.access", "200", 12],
    ];
    expect(await measured(store)).toEqual(expected);
    const after = await contents(store);
    expect((await store.extents()).map(({ dataset, rows }) => [dataset, rows])).toEqual([
      ["fine", 12],
      ["junk", 12],
      ["nginx.access", 12],
    ]);
    const fields = (await store.event("src_a:31"))?.fields;
    expect(fields).toMatchObject({
      "data_stream.dataset": "fine",
      message: "fine",
      "host.name": "a",
    });
    const left = (await store.event("src_a:32"))?.fields;
    expect(left).toMatchObject({ "data_stream.dataset": "junk", "a.b": [1], tags: ["x", "y"] });
    while (await store.compact());
    await using again = await open();
    expect(await contents(again)).toEqual(after);
    expect(await measured(again)).toEqual(expected);
    expect((await again.status()).problems).toEqual([]);
  });

  test("a follower gets appended events once, even if they were merged in the meantime", async () => {
    const open = await openEmpty();
    await using store = await open();
    await using writer = await open();
    await store.append(batchOf([{ "log.offset": 1 }]), [], positionsAt(1));
    const follower = await store.follow();
    expect(await follower.next(10)).toEqual({ events: [], skipped: new Map() });
    for (let i = 100; i < 110; i += 1) {
      await writer.append(batchOf([{ "log.offset": i }]), [], positionsAt(i));
    }
    while (await writer.compact());
    const { events, skipped } = await follower.next(4);
    expect([events.length, skipped]).toEqual([4, new Map([["nginx.access", 6]])]);
    await writer.append(batchOf([{ "log.offset": 200 }]), [], positionsAt(201));
    expect((await follower.next(10)).events.map(({ id }) => id)).toEqual(["src_a:200"]);
    expect(await follower.next(10)).toEqual({ events: [], skipped: new Map() });
  });

  test("a destroyed store is empty when it is opened again", async () => {
    const open = await openEmpty();
    const store = await open();
    await store.append(batchOf([{}]), [cell({})], positionsAt(1));
    await store.setRetention(new Map([["nginx.access", 2]]));
    await store.destroy();
    await using again = await open();
    expect(await count(again, [])).toBe(0);
    expect((await again.positions()).size).toBe(0);
    expect(await again.cells({ ...ALL, levelS: 60, measures: ["requests"] })).toEqual([]);
    expect(await again.retention()).toEqual(new Map());
    await again.append(batchOf([{}]), [], positionsAt(1));
    expect(await count(again, [])).toBe(1);
  });

  test("events are kept for the retention of their dataset, and removed a day later with their cells", async () => {
    const open = await openEmpty();
    await using store = await open();
    const day = (i: number): number => Date.UTC(2026, 10, 1 + i);
    const kept = { "data_stream.dataset": "app" };
    for (let i = 0; i < 6; i += 1) {
      // On every second day a segment has both datasets.
      const events = [{ "@timestamp": day(i) + 1000, "log.offset": 10 * i }];
      const mixed = { ...kept, "@timestamp": day(i) + 2000, "log.offset": 10 * i + 1 };
      const cells = [0, 86_340].map((s) => cell({ t: day(i) / 1000 + s }));
      await store.append(batchOf(i % 2 ? events : [...events, mixed]), cells, positionsAt(i));
    }
    expect(await store.retention()).toEqual(new Map());
    const nowMs = day(5) + 3_600_000;
    expect(await store.expire(nowMs)).toBeUndefined();
    const policy = new Map([["nginx.access", 2]]);
    await store.setRetention(policy);
    await using other = await open();
    expect(await other.retention()).toEqual(policy);
    const removed: Expired[] = [];
    for (let some = await other.expire(nowMs); some; some = await other.expire(nowMs)) {
      removed.push(...some);
    }
    expect(removed.reduce((sum, { rows }) => sum + rows, 0)).toBe(3);
    for (const { dataset, days, fromMs, toMs } of removed) {
      expect({ dataset, days }).toEqual({ dataset: "nginx.access", days: 2 });
      expect(fromMs).toBeGreaterThanOrEqual(day(0) + 1000);
      expect(toMs).toBeLessThan(day(3));
    }
    const left = { fromMs: day(0), toMs: day(9), where: [] };
    const rows = await store.search({ ...left, limit: 100 });
    expect(rows.map(({ id }) => id)).toEqual(
      ["50", "41", "40", "30", "21", "1"].map((offset) => `src_a:${offset}`),
    );
    expect(await store.extents()).toEqual([
      { dataset: "app", rows: 3, fromMs: day(0) + 2000, toMs: day(4) + 2000 },
      { dataset: "nginx.access", rows: 3, fromMs: day(3) + 1000, toMs: day(5) + 1000 },
    ]);
    const cells = await store.cells({ ...left, levelS: 60, measures: ["requests"] });
    expect(cells.map(({ value }) => value)).toEqual([6]);
    expect((await store.status()).problems).toEqual([]);
    expect((await store.positions()).get(SOURCE)).toEqual({ offset: 5 });
    while (await store.compact());
    expect(await store.search({ ...left, limit: 100 })).toEqual(rows);
    await store.setRetention(new Map());
    expect(await store.retention()).toEqual(new Map());
  });

  test("a clock that is 400 days ahead removes nothing until it is confirmed", async () => {
    const open = await openEmpty();
    await using store = await open();
    const nowMs = systemClock.nowMs();
    const times = [0, 10, 20, 40].map((days) => nowMs - days * DAY_MS);
    await store.append(batchOf(times.map((ms) => ({ "@timestamp": ms }))), [], positionsAt(1));
    await store.setRetention(new Map([["nginx.access", 30]]));
    const expireAll = async (atMs: number): Promise<number> => {
      while (await store.expire(atMs));
      return (await store.status()).rows;
    };
    expect(await expireAll(nowMs)).toBe(3);
    const aheadMs = nowMs + 400 * DAY_MS;
    expect(await expireAll(aheadMs)).toBe(3);
    expect(await store.expiryTime(aheadMs)).toBeLessThan(nowMs + DAY_MS);
    // Right again, and a rule that a person has shortened.
    expect(await expireAll(nowMs + 60_000)).toBe(3);
    await store.setRetention(new Map([["nginx.access", 15]]));
    expect(await expireAll(nowMs + 60_000)).toBe(2);
    await store.confirmTime(aheadMs);
    expect(await expireAll(aheadMs)).toBe(0);
  });
}
