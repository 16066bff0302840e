import * as fc from "fast-check";
import { expect, test } from "vitest";

import { FIELDS } from "#collectors/fields.ts";

import { testLogging } from "./testing.ts";

const FIELD = fc.constantFrom(...Object.keys(FIELDS), "no.such", "status", "level", "fields_json");
const term = fc
  .tuple(
    fc.constantFrom("", "-"),
    FIELD,
    fc.constantFrom(":", "=", "!=", ">", ">=", "<", "<=", "~"),
    fc.oneof(
      fc.constantFrom("*", "1e308", "-1e308", "9223372036854775808", "1e-400", "5xx", "true"),
      fc.constantFrom("2026-01-01", "+275760-09-13T00:00:00.001Z", '"', '""', "%", "\\", "'"),
      fc.string({ unit: "grapheme", maxLength: 8 }),
    ),
  )
  .map((parts) => parts.join(""));
const instant = fc.oneof(
  fc.constantFrom("now", "now-1h", "now-999999w", "0", "8640000000000001", "-8640000000000000"),
  fc.constantFrom("2026-01-01", "0001-01-01T00:00:00Z", "9999-12-31", "2026-02-31T25:00:00Z"),
  fc.string({ maxLength: 12 }),
);
const query = fc.record(
  {
    q: fc
      .array(fc.oneof(term, fc.string({ unit: "binary" })), { maxLength: 4 })
      .map((it) => it.join(" ")),
    from: instant,
    to: instant,
    limit: fc.constantFrom("1", "0", "100", "1e3", "-1", "x"),
    cursor: fc.oneof(
      fc.string(),
      fc.jsonValue().map((it) => Buffer.from(JSON.stringify(it)).toString("base64url")),
    ),
    fields: fc.oneof(
      fc.array(FIELD, { maxLength: 25 }).map((it) => it.join(",")),
      fc.string(),
    ),
    by: fc.oneof(FIELD, fc.string()),
    step: fc.constantFrom("auto", "1s", "0d", "9999d", "1h", "x"),
  },
  { requiredKeys: [] },
);
const ROUTES = ["search", "facets", "counts", "datasets"];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  search: ["q", "from", "to", "limit", "cursor"],
  facets: ["q", "from", "to", "fields", "limit"],
  counts: ["q", "from", "to", "step", "by", "limit"],
  datasets: ["limit", "cursor"],
};

test(
  "no search and no push gets a 5xx response, whatever it contains",
  { timeout: 120_000 },
  async () => {
    await using service = await testLogging();
    const as = service.root;
    const json = { "content-type": "application/json" };
    const one = { "data_stream.dataset": "a", "event.duration": 9e15, "event.category": ["x"] };
    await service.send("POST", "/v1/logs", { as, body: one });
    service.clock.now += 10;
    const rows = async () => (await service.send("GET", "/v1/datasets", { as })).text;
    await expect.poll(rows, { timeout: 20_000 }).toContain('"a"');
    const odd: string[] = [];
    const seen = new Set<number>();
    const note = (what: string, status: number): void => {
      seen.add(status);
      if (status >= 500) odd.push(`${what} → ${status}`);
    };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ROUTES), query, async (route, values) => {
        const known = Object.entries(values).filter(([key]) => ALLOWED[route]?.includes(key));
        const path = `/v1/${route}?${new URLSearchParams(known.map(([k, v]) => [k, v.toWellFormed()]))}`;
        note(path, (await service.send("GET", path, { as })).status);
      }),
      { numRuns: 400 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.constantFrom("/v1/logs", "/otlp/v1/logs"),
        async (value, path) => {
          const document = {
            "data_stream.dataset": "a",
            resourceLogs: [{ scopeLogs: value }],
            value,
          };
          for (const body of [JSON.stringify(value), JSON.stringify(document)]) {
            note(
              `${path} ${body}`,
              (await service.send("POST", path, { as, headers: json, body })).status,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (body) => {
        const headers = { "content-type": "application/x-protobuf" };
        note(
          `protobuf ${[...body].join()}`,
          (await service.send("POST", "/otlp/v1/logs", { as, headers, body })).status,
        );
      }),
      { numRuns: 60 },
    );
    expect(odd).toEqual([]);
    expect([...seen].toSorted((a, b) => a - b)).toEqual([200, 202, 400]);
  },
);
