import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";

import { testService } from "#api/kit/testing.ts";

import type { Application, Content } from "./domain/application.ts";
import type { ValueSchema } from "./domain/value-schema.ts";
import { fromYaml, toYaml } from "./routes/yaml-document.ts";
import { management } from "./service.ts";

const schema: ValueSchema = {
  type: "object",
  properties: {
    values: { type: "list", items: { type: "string" } },
    number: { type: "number" },
    text: { type: "string" },
  },
};
const text = fc
  .oneof(
    fc.constantFrom(
      "no",
      "on",
      "y",
      "~",
      "1e3",
      "0x1f",
      "-",
      "? a",
      "*a",
      "&a",
      "!a",
      "# no",
      "<<",
      " \n",
      "a\n \nb\n",
      "a\r\n",
    ),
    fc.string({ unit: "grapheme" }),
    fc
      .array(
        fc.constantFrom("a", " ", "\n", "\r", "\t", "'", '"', "\\", ":", "#", "\u2028", "\u0085"),
      )
      .map((it) => it.join("")),
  )
  .filter((it) => it.isWellFormed() && !it.includes("\0"));
const value = fc.record({
  values: fc.array(text, { maxLength: 4 }),
  number: fc.double({ noNaN: true, noDefaultInfinity: true }).map((it) => it + 0),
  text,
});
const scope = fc.constantFrom("*/*", "web/*", "*/live", "web/live");
const setting = fc.record({
  definition: fc.record({ description: text, schema: fc.constant(schema), default: value }),
  values: fc.dictionary(scope, value),
});
const flag = fc.record({
  description: text,
  on: fc.boolean(),
  deny: fc.array(fc.constantFrom("no", "1", "acc_1")),
  allow: fc.array(fc.constantFrom("on", "0.5")),
  rules: fc.array(
    fc.record(
      { product: fc.constantFrom("no", "y"), percentage: fc.constantFrom(0, 12.5, 100) },
      { requiredKeys: ["percentage"] },
    ),
  ),
});
const key = fc.constantFrom("a", "no", "on", "y", "values", "constructor", "n1.e-3");
const content: fc.Arbitrary<Content> = fc.record({
  description: text,
  settings: fc.dictionary(key, setting),
  flags: fc.dictionary(key, flag),
});
const applicationOf = (it: Content): Application => ({
  name: "shop",
  version: 1,
  versions: { settings: {}, flags: {} },
  content: it,
  createdAtMs: 0,
  updatedAtMs: 0,
});

test("an export and import preserve an application, also with YAML 1.1 parsers", () => {
  fc.assert(
    fc.property(content, (it) => {
      const file = toYaml(applicationOf(it));
      expect(fromYaml(file)).toEqual({ name: "shop", content: it });
      expect(parse(file, { version: "1.1" })).toEqual(parse(file));
    }),
    { numRuns: 60 },
  );
});

test("every unknown property in a file is reported with its line", () => {
  const read = () =>
    fromYaml("format: 1\napplication: shop\nsetings: {}\ndescription: a\nflag: {}\n");
  expect(read).toThrow("body.yaml.setings: line 3");
  expect(read).toThrow("body.yaml.flag: line 5");
});

test("the largest application fits into an importable file", async () => {
  await using service = await testService(management);
  const lines = JSON.stringify("a\n".repeat(5_000));
  const long = `{description: "", schema: {type: string}, values: {"*/*": ${lines}}}`;
  const settings = Array.from({ length: 30 }, (_, at) => `  t${at}: ${long}\n`);
  const yaml = `format: 1\napplication: shop\nsettings:\n${settings.join("")}`;
  const send = (file: string) =>
    service.send("POST", "/v1/applications/shop/import", {
      as: service.root,
      headers: { "if-match": "*" },
      body: { yaml: file, reason: "large" },
    });
  expect((await send(yaml)).status).toBe(200);
  const path = "/v1/applications/shop/export";
  const { text: file } = await service.send("GET", path, { as: service.root });
  expect((await send(file)).json).toMatchObject({ revision: 1, changes: [] });
});

test("a file is hardly larger than its content", () => {
  const list: ValueSchema = { type: "list", items: { type: "integer" } };
  const ones = Array.from({ length: 1_000 }, () => 1);
  const definition = { description: "", schema: list, default: ones };
  const it = {
    description: "",
    flags: {},
    settings: { a: { definition, values: { "*/*": ones } } },
  };
  expect(toYaml(applicationOf(it)).length).toBeLessThan(2 * JSON.stringify(it).length);
});

test("other requests are answered while a large file is parsed", async () => {
  await using service = await testService(management);
  const done: number[] = [];
  const importing = service
    .send("POST", "/v1/applications/shop/import", {
      as: service.root,
      body: { yaml: "[".repeat(100_000), reason: "slow" },
    })
    .then(({ status }) => done.push(status));
  for (let sent = 0; sent < 5; sent += 1) {
    expect((await service.send("GET", "/v1/applications", { as: service.root })).status).toBe(200);
  }
  expect(done).toEqual([]);
  await importing;
  expect(done).toEqual([400]);
});
