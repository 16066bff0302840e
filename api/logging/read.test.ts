import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";

import { covers } from "#pipeline/dataset-names.ts";

import { testLogging, type TestLogging } from "./testing.ts";

const Page = z.object({
  items: z.array(z.object({ id: z.string(), fields: z.record(z.string(), z.unknown()) })),
  next: z.string().nullable(),
});
const Names = z.object({ items: z.array(z.object({ dataset: z.string() })) });
const Facets = z.object({
  items: z.array(z.object({ values: z.array(z.object({ value: z.string(), count: z.number() })) })),
});
const Counts = z.object({
  stepMs: z.number(),
  items: z.array(z.object({ at: z.string(), value: z.string().nullable(), count: z.number() })),
});

async function push(service: TestLogging, documents: readonly object[]): Promise<void> {
  const response = await service.send("POST", "/v1/logs/batch", {
    as: service.root,
    headers: { "content-type": "application/x-ndjson" },
    body: documents.map((it) => JSON.stringify(it)).join("\n"),
  });
  expect([response.status, response.text]).toMatchObject([202, expect.any(String)]);
}

/** Waits until this many events are stored. */
async function stored(service: TestLogging, rows: number): Promise<void> {
  const Rows = z.object({ items: z.array(z.object({ rows: z.number() })) });
  await expect
    .poll(
      async () => {
        const response = await service.send("GET", "/v1/datasets?limit=100", { as: service.root });
        return Rows.parse(response.json).items.reduce((sum, it) => sum + it.rows, 0);
      },
      { timeout: 20_000 },
    )
    .toBe(rows);
}

const DATASETS = ["shop", "shop.web", "shop.web.access", "shop.db", "bank", "bank.web", "web_x.y"];
const pattern = fc
  .array(fc.constantFrom("shop", "bank", "web", ".", "*", "access", "_x", "y"), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(""));

test("datasets that a caller may not read are in no response, and those that they may read are in all", async () => {
  await using service = await testLogging();
  await push(
    service,
    DATASETS.flatMap((dataset) => [
      { "data_stream.dataset": dataset, message: "x" },
      { "data_stream.dataset": dataset, message: "y" },
    ]),
  );
  await stored(service, 2 * DATASETS.length);
  service.clock.now += 1_000;
  const all = Page.parse(
    (await service.send("GET", "/v1/search?limit=100", { as: service.root })).json,
  ).items;
  expect(all).toHaveLength(2 * DATASETS.length);
  await fc.assert(
    fc.asyncProperty(fc.array(pattern, { minLength: 1, maxLength: 3 }), async (patterns) => {
      const scope = patterns.map((it) => `logging:logs:read/${it}`).join(" ");
      const as = await service.token({ scope });
      const granted = DATASETS.filter((dataset) => covers(patterns, dataset)).toSorted();
      const get = async (path: string) => (await service.send("GET", path, { as })).json;
      const { items } = Page.parse(await get("/v1/search?limit=100"));
      const seen = new Set(items.map(({ fields }) => String(fields["data_stream.dataset"])));
      expect([...seen].toSorted()).toEqual(granted);
      const facets = Facets.parse(await get("/v1/facets?fields=dataset,message&limit=100"));
      const [names, messages] = facets.items;
      expect(names?.values.map(({ value }) => value).toSorted()).toEqual(granted);
      expect(messages?.values.map(({ count }) => count)).toEqual(
        granted.length > 0 ? [granted.length, granted.length] : [],
      );
      const counts = Counts.parse(await get("/v1/counts?step=1d&by=dataset&limit=50"));
      expect(counts.items.map(({ value }) => String(value)).toSorted()).toEqual(granted);
      const listed = Names.parse(await get("/v1/datasets?limit=100"));
      expect(listed.items.map(({ dataset }) => dataset)).toEqual(granted);
      for (const { id, fields } of all.slice(0, 4)) {
        const isGranted = granted.includes(String(fields["data_stream.dataset"]));
        const { status } = await service.send("GET", `/v1/logs/${id}`, { as });
        expect(status).toBe(isGranted ? 200 : 404);
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

test("pages contain every event once, newest first, while new ones arrive", async () => {
  await using service = await testLogging();
  const first = service.clock.now;
  const at = (n: number) => new Date(first - 60_000 + Math.floor(n / 3)).toISOString();
  const document = (n: number) => ({ "data_stream.dataset": "a", "@timestamp": at(n), n });
  await push(
    service,
    Array.from({ length: 25 }, (_, n) => document(n)),
  );
  await stored(service, 25);
  const seen: unknown[] = [];
  let cursor = "";
  for (let page = 0; ; page += 1) {
    const response = await service.send("GET", `/v1/search?limit=10${cursor}`, {
      as: service.root,
    });
    const { items, next } = Page.parse(response.json);
    seen.push(...items.map(({ fields }) => fields["n"]));
    if (next === null) break;
    cursor = `&cursor=${next}`;
    if (page > 0) continue;
    service.clock.now += 10_000;
    await push(service, [{ "data_stream.dataset": "a", n: 99 }]);
    await stored(service, 26);
  }
  expect(seen).toHaveLength(25);
  expect(seen).toEqual(seen.toSorted((a, b) => Number(b) - Number(a)));
});

test("counts over time equal the events, and invalid parameters are named", async () => {
  await using service = await testLogging();
  const dayMs = 86_400_000;
  const start = Math.floor(service.clock.now / dayMs) * dayMs - dayMs;
  const minute = (n: number) => new Date(start + n * 60_000).toISOString();
  const document = (n: number, level: string) => ({
    "data_stream.dataset": "a",
    "@timestamp": minute(n),
    "log.level": level,
  });
  await push(service, [document(0, "error"), document(1, "info"), document(7, "info")]);
  await stored(service, 3);
  const as = service.root;
  const range = `from=${minute(0)}&to=${minute(60)}`;
  const counts = await service.send("GET", `/v1/counts?${range}&step=5m&by=level`, { as });
  expect(Counts.parse(counts.json)).toEqual({
    stepMs: 300_000,
    items: [
      { at: minute(0), value: "info", count: 1 },
      { at: minute(0), value: "error", count: 1 },
      { at: minute(5), value: "info", count: 1 },
    ],
  });
  const cases: [string, string][] = [
    [`/v1/counts?${range}&step=1s`, "query.step"],
    ["/v1/counts?step=0s", "query.step"],
    ["/v1/search?q=status%3E%3Dmany", "column 9"],
    ["/v1/search?q=%22open", "column 1"],
    ["/v1/search?q=(level%3Aerror", "column 1"],
    ["/v1/search?q=x%20levle%3Aerror", "column 3: there is no field levle: did you mean level?"],
    ["/v1/facets?fields=log.level&q=Level%3Aerror", "but level: upper and lower case differ"],
    ["/v1/tail?q=levle%3Aerror", "did you mean level?"],
    ["/v1/search?q=ip%3Alocalhost", "source.ip is an IP address"],
    ["/v1/search?from=yesterday", "from"],
    ["/v1/search?from=now&to=now-1h", "from must be before to"],
    ["/v1/search?cursor=abc", "cursor"],
    ["/v1/facets?fields=", "query.fields"],
    ["/v1/facets?fields=a%20b", "query.fields"],
    ["/v1/logs/x", "path.eventId"],
  ];
  for (const [path, named] of cases) {
    const response = await service.send("GET", path, { as });
    expect([path, response.status, response.text]).toEqual([
      path,
      400,
      expect.stringContaining(named),
    ]);
  }
  const none = await service.send("GET", "/v1/logs/src_none:1", { as });
  expect(none.status).toBe(404);
});

test("a value that occurs only in another case is named, from events that the caller may read", async () => {
  await using service = await testLogging();
  const document = (dataset: string, method: string) => ({
    "data_stream.dataset": dataset,
    "http.request.method": method,
  });
  await push(service, [document("shop.a", "GET"), document("bank.a", "PUT")]);
  await stored(service, 2);
  service.clock.now += 1_000;
  const as = await service.token({ scope: "logging:logs:read/shop.*" });
  const hintsOf = async (path: string): Promise<unknown> => {
    const { json, status } = await service.send("GET", path, { as });
    expect([path, status]).toEqual([path, 200]);
    return z.object({ hints: z.array(z.unknown()).optional() }).parse(json).hints;
  };
  const hint = {
    text: 'no event in this range has http.request.method "get": did you mean "GET"? Upper and lower case differ.',
    query: "http.request.method:GET",
  };
  for (const path of ["search?q=", "counts?q=", "facets?fields=level,dataset&q="]) {
    expect(await hintsOf(`/v1/${path}method:get`)).toEqual([hint]);
    expect(await hintsOf(`/v1/${path}method:GET`)).toBeUndefined();
    // Only bank.a has it.
    expect(await hintsOf(`/v1/${path}method:put`)).toBeUndefined();
  }
});

test("a change of retention needs the current ETag, is published as an event, and reaches the store", async () => {
  await using service = await testLogging();
  const dayMs = 86_400_000;
  const old = new Date(service.clock.now - 10 * dayMs).toISOString();
  await push(service, [
    { "data_stream.dataset": "shop.a", "@timestamp": old },
    { "data_stream.dataset": "shop.a" },
    { "data_stream.dataset": "bank.a", "@timestamp": old },
  ]);
  await stored(service, 3);
  const path = "/v1/datasets/shop.a/retention";
  const as = await service.token({
    scope: "logging:logs:read/shop.* logging:retention:write/shop.*",
  });
  const before = await service.send("GET", path, { as });
  expect([before.headers.get("etag"), before.json]).toMatchObject(['"0"', { days: null }]);
  const put = (days: number | null, etag?: string) =>
    service.send("PUT", path, {
      as,
      body: { days },
      headers: etag === undefined ? {} : { "if-match": etag },
    });
  expect((await put(7)).status).toBe(428);
  const responses = await Promise.all([put(7, '"0"'), put(7, '"0"'), put(7, '"0"')]);
  expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
  expect((await put(0, '"1"')).status).toBe(400);
  const other = await service.send("PUT", "/v1/datasets/bank.a/retention", {
    as,
    body: { days: 1 },
    headers: { "if-match": "*" },
  });
  expect(other.status).toBe(404);
  // The feed withholds an event while older transactions are open on the server.
  const feed = async () => (await service.send("GET", "/v1/events", { as: service.root })).json;
  await expect.poll(feed, { timeout: 20_000 }).toMatchObject({
    items: [
      {
        type: "logging.retention.changed",
        subject: "shop.a",
        data: { days: 7, daysBefore: null, version: 1 },
      },
    ],
  });
  await service.runJobs();
  // The process that moves the bus looks after the store every few seconds.
  await stored(service, 2);
  const listed = await service.send("GET", "/v1/datasets", { as: service.root });
  expect(listed.json).toMatchObject({
    items: [
      { dataset: "bank.a", rows: 1, retentionDays: null },
      { dataset: "shop.a", rows: 1, retentionDays: 7 },
    ],
  });
}, 60_000);
