import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Application, Content, Flag } from "./application.ts";
import { advance, diff } from "./diff.ts";
import type { ValueSchema } from "./value-schema.ts";

const key = fc.constantFrom("a", "b", "constructor");
const scopes = fc.constantFrom("*/*", "web/*", "*/live");
const setting = fc.record({
  definition: fc.record({
    description: fc.constantFrom("x", "y"),
    schema: fc.constant<ValueSchema>({ type: "boolean" }),
  }),
  values: fc.dictionary(scopes, fc.boolean()),
});
const flag = fc.record<Flag>({
  description: fc.constant(""),
  on: fc.boolean(),
  deny: fc.constant([]),
  allow: fc.constant([]),
  rules: fc.constant([]),
});
const content: fc.Arbitrary<Content> = fc.record({
  description: fc.constantFrom("one", "two"),
  settings: fc.dictionary(key, setting),
  flags: fc.dictionary(key, flag),
});

test("a content equals itself, and the reverse diff undoes every change", () => {
  fc.assert(
    fc.property(content, content, (one, other) => {
      expect(diff(one, one)).toEqual([]);
      const back = diff(other, one).map(({ before, after, ...it }) => ({
        ...it,
        ...(after === undefined ? {} : { before: after }),
        ...(before === undefined ? {} : { after: before }),
      }));
      expect(back).toEqual(diff(one, other));
    }),
  );
});

test("0 and -0 are equal, as in stored JSON", () => {
  const at = (value: number): Content => ({
    description: "",
    flags: {},
    settings: {
      a: {
        definition: { description: "", schema: { type: "number" }, default: value },
        values: { "*/*": value },
      },
    },
  });
  expect(diff(at(0), at(-0))).toEqual([]);
  expect(diff(at(0), at(1))).toHaveLength(2);
});

test("only what changed gets a new version", () => {
  fc.assert(
    fc.property(content, content, (one, other) => {
      const empty: Content = { description: "", settings: {}, flags: {} };
      const none: Application = {
        name: "shop",
        version: 0,
        versions: { settings: {}, flags: {} },
        content: empty,
        createdAtMs: 0,
        updatedAtMs: 0,
      };
      const first = advance(none, { content: one, atMs: 1 }).application;
      const { application, changes } = advance(first, { content: other, atMs: 2 });
      const changed = new Set(
        changes.filter((it) => it.kind === "definition" || it.kind === "value").map((it) => it.key),
      );
      for (const name of Object.keys(other.settings)) {
        expect(application.versions.settings[name]).toBe(changed.has(name) ? 2 : 1);
      }
    }),
  );
});
