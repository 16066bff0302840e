import { mkdtemp, rm } from "node:fs/promises";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { matches } from "../matches.ts";
import { formatFilter, parseQuery } from "../query-language.ts";
import { batchOf, positionsAt, T0 } from "../store/contract.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import type { EventDocument, EventStore } from "../store/port.ts";

/** A query as text, and what it means: the simplest program that decides it for an event. */
type Meaning = { text: string; holds(fields: Record<string, unknown>): boolean };

const STATUSES = [200, 204, 301, 404, 499, 500, 502];
const PATHS = ["/a", "/a_b", "/aXb", "/100%25/off", "/A/b c", "/"];
const ADDRESSES = [
  "203.0.113.5",
  "203.0.113.77",
  "203.0.114.1",
  "198.51.100.9",
  "2001:db8::9",
  "2001:db8:0:0:0:0:0:A",
  "2001:db9::",
  "::1",
  "::ffff:203.0.113.9",
  "1:2:3:4:5:6:7::",
  "not an address",
  "1:2:3",
];
const NETWORKS = [
  "203.0.113.0/24",
  "203.0.112.0/23",
  "203.0.113.64/26",
  "203.0.113.5/32",
  "0.0.0.0/0",
  "2001:db8::/32",
  "2001:db8::8/125",
  "::/0",
  "::1/128",
  "1:2:3:4::/63",
];
const TAGS = ["red", "green", "50%"];
const WORDS = ["get", "A_B", "0% of", "xyz", "é"];

const event = fc.record(
  {
    "http.response.status_code": fc.constantFrom(...STATUSES),
    "http.response.body.bytes": fc.integer({ min: 0, max: 50 }),
    "url.path": fc.constantFrom(...PATHS),
    "source.ip": fc.constantFrom(...ADDRESSES),
    "event.category": fc
      .uniqueArray(fc.constantFrom(...TAGS), { minLength: 1 })
      .map((tags) => tags.join("\u001F")),
    message: fc.constantFrom("GET /a_b HTTP/1.1", "50% off", "É", "nothing", "get"),
    "@timestamp": fc.integer({ min: 0, max: 180 }).map((seconds) => T0 + seconds * 1000),
    fields_json: fc.constantFrom(
      '{"shop.id":"7"}',
      '{"shop.id":7.5}',
      '{"shop.id":["x","12"]}',
      '{"shop.id":"nan"}',
      "{}",
    ),
  },
  { requiredKeys: ["@timestamp"] },
);

const valuesOf = (fields: Record<string, unknown>, name: string): unknown[] => {
  const value = fields[name];
  return value === undefined || value === null ? [] : [value].flat();
};
const some =
  (field: string, holds: (value: string) => boolean): Meaning["holds"] =>
  (fields) =>
    valuesOf(fields, field).some((value) => holds(String(value)));

function isIn(network: string): (address: string) => boolean {
  const [first = "", prefix] = network.split("/");
  const list = new BlockList();
  list.addSubnet(first, Number(prefix), first.includes(":") ? "ipv6" : "ipv4");
  return (address) => {
    const mapped = /^::ffff:(\d+\.\d+.*)$/.exec(address)?.[1];
    // A mapped address counts as the IPv4 address, and as no other.
    if (mapped !== undefined) return !first.includes(":") && list.check(mapped, "ipv4");
    const isOfFamily = address.includes(":") === first.includes(":");
    return isOfFamily && list.check(address, address.includes(":") ? "ipv6" : "ipv4");
  };
}
const isAddress = (text: string): boolean => /^[\da-f:.]+$/i.test(text) && text !== "1:2:3";

const fields = [
  ["status", "http.response.status_code"],
  ["bytes", "http.response.body.bytes"],
  ["shop.id", "shop.id"],
] as const;
const numeric = fc.constantFrom(...fields);
const bound = fc.integer({ min: -5, max: 600 });
const numberOf = (text: string): number => (/^[\d.]+$/.test(text) ? Number(text) : Number.NaN);

const leaf: fc.Arbitrary<Meaning> = fc.oneof(
  fc.constantFrom(...STATUSES).map((status) => ({
    text: `status:${status}`,
    holds: some("http.response.status_code", (value) => Number(value) === status),
  })),
  fc.constantFrom(2, 4, 5).map((first) => ({
    text: `status:${first}xx`,
    holds: some("http.response.status_code", (value) => Math.floor(Number(value) / 100) === first),
  })),
  fc.tuple(numeric, fc.constantFrom(">", ">=", "<", "<="), bound).map(([names, sign, limit]) => ({
    text: `${names[0]}${sign}${limit}`,
    holds: some(names[1], (value) => {
      const number = numberOf(value);
      if (sign.startsWith(">")) return number > limit || (sign === ">=" && number === limit);
      return number < limit || (sign === "<=" && number === limit);
    }),
  })),
  fc.tuple(bound, bound, fc.boolean(), fc.boolean()).map(([from, to, hasFrom, hasTo]) => ({
    text: `bytes:${hasFrom ? "[" : "{"}${from} TO ${to}${hasTo ? "]" : "}"}`,
    holds: some("http.response.body.bytes", (value) => {
      const isAbove = Number(value) > from || (hasFrom && Number(value) === from);
      return isAbove && (Number(value) < to || (hasTo && Number(value) === to));
    }),
  })),
  fc.constantFrom(...PATHS, "/b").map((path) => ({
    text: `path:"${path}"`,
    holds: some("url.path", (value) => value === path),
  })),
  fc.constantFrom("/a", "/A_", "/100%25", "*B", "").map((start) => ({
    text: `path:${start}*`,
    holds: some("url.path", (value) => {
      const [text, wanted] = [value.toLowerCase(), start.toLowerCase()];
      return wanted.startsWith("*") ? text.includes(wanted.slice(1)) : text.startsWith(wanted);
    }),
  })),
  fc.constantFrom(...NETWORKS).map((network) => ({
    text: `ip:${network}`,
    holds: some("source.ip", (value) => isAddress(value) && isIn(network)(value)),
  })),
  fc.constantFrom(...TAGS).map((tag) => ({
    text: `event.category:${tag}`,
    holds: some("event.category", (value) => value === tag),
  })),
  fc.constantFrom("url.path", "event.category", "shop.id", "user.name").map((name) => ({
    text: `${name}:*`,
    holds: (it: Record<string, unknown>) => valuesOf(it, name).length > 0,
  })),
  fc.constantFrom("7", "x", "nan").map((value) => ({
    text: `"shop.id":${value}`,
    holds: some("shop.id", (text) => text === value),
  })),
  fc.constantFrom(...WORDS).map((word) => ({
    text: `"${word}"`,
    holds: some("message", (value) => value.toLowerCase().includes(word.toLowerCase())),
  })),
  fc.integer({ min: 0, max: 2 }).map((minute) => ({
    text: `@timestamp:${new Date(T0 + minute * 60_000).toISOString().slice(0, 16)}`,
    holds: (it: Record<string, unknown>) =>
      Math.floor((Date.parse(String(it["@timestamp"])) - T0) / 60_000) === minute,
  })),
);

/** Queries of terms, negations, conjunctions and alternatives, with only the parentheses that are needed. */
function queries(depth: number): fc.Arbitrary<Meaning> {
  const negatedLeaf = leaf.map(({ text, holds }) => opposite(`-${text}`, holds));
  const group = depth === 0 ? leaf : queries(depth - 1).map(grouped);
  const negatedGroup = group.map(({ text, holds }) => opposite(`NOT ${text}`, holds));
  const part = fc.oneof(leaf, negatedLeaf, group, negatedGroup);
  const parts = fc.array(part, { minLength: 1, maxLength: 3 });
  const all = fc.tuple(parts, fc.constantFrom(" ", " AND ")).map(([terms, joint]): Meaning => ({
    text: terms.map(({ text }) => text).join(joint),
    holds: (it) => terms.every(({ holds }) => holds(it)),
  }));
  return fc.array(all, { minLength: 1, maxLength: 2 }).map((terms): Meaning => ({
    text: terms.map(({ text }) => text).join(" OR "),
    holds: (it) => terms.some(({ holds }) => holds(it)),
  }));
}

const opposite = (text: string, holds: Meaning["holds"]): Meaning => ({
  text,
  holds: (it) => !holds(it),
});
const grouped = ({ text, holds }: Meaning): Meaning => ({ text: `(${text})`, holds });
const query = queries(1);

describe("a query selects the same events everywhere", () => {
  const events = fc.sample(event, { numRuns: 120, seed: 20_261_129 });
  let folder = "";
  let store: EventStore;
  let stored: EventDocument[] = [];
  const range = { fromMs: T0, toMs: T0 + 3_600_000 };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "qd-query-"));
    store = await openEmbeddedStore({ folder, clock: systemClock });
    await store.append(batchOf(events), [], positionsAt(1));
    stored = await store.search({ ...range, where: [], limit: 1000 });
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const idsOf = (documents: readonly EventDocument[]): string[] =>
    documents.map(({ id }) => id).toSorted();

  test("in memory, as in live tails, as by a simple evaluation of its parts", () => {
    expect(stored).toHaveLength(events.length);
    fc.assert(
      fc.property(query, ({ text, holds }) => {
        const filter = parseQuery(text);
        expect([text, parseQuery(formatFilter(filter))]).toEqual([text, filter]);
        for (const { fields: of } of stored) {
          expect([text, of, matches(of, filter)]).toEqual([text, of, holds(of)]);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("in the store, as by a simple evaluation of its parts", async () => {
    await fc.assert(
      fc.asyncProperty(query, async ({ text, holds }) => {
        const found = await store.search({ ...range, where: parseQuery(text), limit: 1000 });
        const expected = stored.filter(({ fields: of }) => holds(of));
        expect(idsOf(found)).toEqual(idsOf(expected));
      }),
      { numRuns: 150, interruptAfterTimeLimit: 60_000 },
    );
  }, 120_000);
});
