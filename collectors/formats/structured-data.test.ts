import * as fc from "fast-check";
import { expect, test } from "vitest";

import { structuredData } from "./structured-data.ts";

const PREFIX = "log.syslog.structured_data.";
const latin1 = (text: string): string => Buffer.from(text).toString("latin1");
const name = fc
  .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 32 })
  .filter((it) => !/[\s="\]]/.test(it));
const value = fc.string({ unit: "grapheme", maxLength: 60 });
const element = fc.record({ id: name, parameters: fc.dictionary(name, value, { maxKeys: 5 }) });

test("every parameter is kept, whatever its value, and the length is that of the data", () => {
  const elements = fc.uniqueArray(element, {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(elements, value, (given, rest) => {
      const written = given.map(({ id, parameters }) => {
        const texts = Object.entries(parameters).map(
          ([key, text]) => ` ${key}="${text.replaceAll(/["\\\]]/g, String.raw`\$&`)}"`,
        );
        return `[${id}${texts.join("")}]`;
      });
      const data = latin1(written.join(""));
      const expected = given.flatMap(({ id, parameters }) =>
        Object.entries(parameters).map(([key, text]): [string, string] => [
          `${PREFIX}${id}.${key}`,
          text,
        ]),
      );
      const found = structuredData(`${data} ${latin1(rest)}`);
      expect(found.length).toBe(data.length);
      // Names with dots may be equal: then their values are joined.
      for (const [key, text] of expected) expect(found.fields?.[key]).toContain(text);
      expect(new Set(Object.keys(found.fields ?? {}))).toEqual(new Set(expected.map(([k]) => k)));
    }),
  );
});

test("several values of a parameter are joined", () => {
  const { fields } = structuredData('[origin ip="192.0.2.1" ip="192.0.2.129"] text');
  expect(fields).toMatchObject({ [`${PREFIX}origin.ip`]: "192.0.2.1, 192.0.2.129" });
});

test.each([
  ["- text", 1],
  ["text", 0],
  ["[a", 0],
  ['[a b="c" text', 0],
  ['[a b="c"][d e="f text', 9],
])("of %j the data has %i characters", (text, length) => {
  expect(structuredData(text).length).toBe(length);
});
