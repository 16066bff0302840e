import { expect, test } from "vitest";

import { batchOf, positionsAt } from "../store/contract.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import { knownField, parseKnownQuery } from "./known-fields.ts";

const store = openMemoryStore()();
await store.append(
  batchOf([
    { fields_json: '{"shop.id":"7"}', "data_stream.dataset": "shop" },
    { "http.response.status_code": 200 },
  ]),
  [],
  positionsAt(2),
);

test.each([
  ["statsu:500", "column 1: there is no field statsu: did you mean status?"],
  [
    "GET Status:500",
    "column 5: there is no field Status, but status: upper and lower case differ.",
  ],
  ["a (b OR URL.path:/x)", "column 9: there is no field URL.path, but url.path"],
  ["NOT status_code:500", "column 5: there is no field status_code: did you mean http.response."],
  ["shop.di:7", "column 1: there is no field shop.di: did you mean shop.id?"],
  ["localhost:8080", 'quote it: "localhost:…"'],
])("a field that no event has is refused with the nearest name: %s", async (query, expected) => {
  await expect(parseKnownQuery(query, { store })).rejects.toThrow(expected);
});

test.each(["shop.id:7", "user:*", "url.path:/a", '"statsu":500', '"localhost:8080"', "10:30"])(
  "fields with a column, of an event, or in quotes are accepted: %s",
  async (query) => {
    expect(await parseKnownQuery(query, { store })).toHaveLength(1);
  },
);

test("fields of events that a reader may not see are unknown to this reader", async () => {
  const scope = [{ field: "data_stream.dataset", op: "one_of", values: ["nginx.access"] }] as const;
  await expect(parseKnownQuery("shop.id:7", { store, scope })).rejects.toThrow(/no field shop\.id/);
  await expect(parseKnownQuery("shop.di:7", { store, scope })).rejects.not.toThrow(/shop\.id/);
});

test("any field may be searched in a store without events", async () => {
  expect(await parseKnownQuery("shop.id:7", { store: openMemoryStore()() })).toHaveLength(1);
});

test("a split by a field that no event has is refused", async () => {
  expect(await knownField("status", { store })).toBe("http.response.status_code");
  await expect(knownField("rute", { store })).rejects.toThrow("did you mean route?");
});
