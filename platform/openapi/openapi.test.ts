import { expect, test } from "vitest";
import { z } from "zod";

import { route } from "../http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text } from "../http/schema.ts";
import { bearerScheme } from "./bearer-scheme.ts";
import { fieldRows } from "./docs-fields.ts";
import { docsPage } from "./docs-page.ts";
import { openApiOf } from "./openapi.ts";

const Line = z.strictObject({ words: text({ max: 40 }), amount: z.int().min(1).max(1_000) });
const Order = z
  .strictObject({ id: idOf("ord"), lines: z.array(Line).max(9), note: z.string().nullable() })
  .meta({ id: "Order" });

const notCalled = (): Promise<never> => Promise.reject(new Error("nobody calls it"));

const api = { title: "Orders & <more>", description: "Orders", security: bearerScheme };
const routes = [
  route({
    method: "PUT",
    path: "/v1/orders/{orderId}",
    operationId: "changeOrder",
    tag: "Orders",
    summary: "Changes <an> order",
    rule: { allow: "own-or", permission: "billing:orders:write" },
    params: z.strictObject({ orderId: idOf("ord") }),
    body: z.strictObject({ lines: z.array(Line).max(9), note: z.string().optional() }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: Order } },
    handle: notCalled,
  }),
  route({
    method: "GET",
    path: "/v1/orders",
    operationId: "listOrders",
    tag: "Orders",
    summary: "Orders",
    rule: { allow: "signed-in" },
    query: pageQuery({ state: z.enum(["open", "paid"]).optional(), until: Timestamp.optional() }),
    responses: {
      200: { description: "A page", body: pageOf(Order), media: "text/csv; header=present" },
      400: { description: "A page: what is wrong", media: "text/html" },
    },
    handle: notCalled,
  }),
];
const document = openApiOf(api, routes, { url: "http://127.0.0.1:1", release: "1.2.3" });

test("a document describes everything that is checked: parameters, body, answers, rejections", () => {
  const change = document.paths["/v1/orders/{orderId}"]?.["put"];
  expect(change?.parameters.map((it) => [it.in, it.name, it.required])).toEqual([
    ["path", "orderId", true],
    ["header", "If-Match", true],
  ]);
  expect(Object.keys(change?.responses ?? {})).toEqual(
    expect.arrayContaining(["200", "400", "401", "403", "404", "412", "428", "503"]),
  );
  expect(change?.security).toEqual([{ bearer: [] }]);
  const list = document.paths["/v1/orders"]?.["get"];
  expect(list?.parameters.find((it) => it.name === "limit")).toEqual({
    name: "limit",
    in: "query",
    required: false,
    schema: { type: "integer", minimum: 1, maximum: 100, default: 20 },
  });
});

test("a document states the patterns of headers, cursors and times", () => {
  const operations = [
    document.paths["/v1/orders/{orderId}"]?.["put"],
    document.paths["/v1/orders"]?.["get"],
  ];
  const matches = (name: string, value: string): boolean => {
    const parameter = operations
      .flatMap((it) => it?.parameters ?? [])
      .find((it) => it.name === name);
    return new RegExp(String(parameter?.schema["pattern"])).test(value);
  };
  expect(['"3"', "*", "", "3", 'W/"3"'].map((it) => matches("If-Match", it))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(["WyIx_-Q", "a b", ""].map((it) => matches("cursor", it))).toEqual([true, false, false]);
  const times = ["2026-11-24T12:00:00.5Z", "2026-11-24T12:00:00+01:00", "0001-11-24T12:00:00Z"];
  expect(times.map((it) => matches("until", it))).toEqual([true, false, false]);
});

test("a response lists each media type without parameters", () => {
  const content = document.paths["/v1/orders"]?.["get"]?.responses["200"]?.content ?? {};
  expect(Object.keys(content)).toEqual(["application/json", "text/csv"]);
  const refused = document.paths["/v1/orders"]?.["get"]?.responses["400"]?.content ?? {};
  expect(Object.keys(refused)).toEqual(["application/problem+json", "text/html"]);
});

test("every reference of a document can be resolved", () => {
  const all = JSON.stringify(document);
  const names = [...all.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, it]) => it);
  expect(new Set(names)).toEqual(new Set(["Order", "Problem"]));
  for (const name of names) expect(document.components.schemas).toHaveProperty(name ?? "");
  expect(all).not.toContain("$defs");
});

test("nested fields are rows with their path", () => {
  const rows = fieldRows({ $ref: "#/components/schemas/Order" }, document.components.schemas);
  expect(rows.map((it) => [it.name, it.type])).toEqual([
    ["id", "text"],
    ["lines", "list of object"],
    ["lines[].words", "text"],
    ["lines[].amount", "integer"],
    ["note", "text or null"],
  ]);
});

test("the page escapes texts and has no script", async () => {
  const page = await docsPage(document);
  expect(page).toContain("Changes &lt;an&gt; order");
  expect(page).toContain("Orders &amp; &lt;more&gt;");
  expect(page).not.toMatch(/<script|javascript:/);
});
