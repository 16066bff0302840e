import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseTemplate, type Placeholders, render } from "./template.ts";

const PLACEHOLDERS: Placeholders = {
  name: { isRequired: true },
  servers: { isRequired: false },
  items: { isRequired: false, within: { id: { isRequired: true }, name: { isRequired: false } } },
};

const rendered = (text: string, values: Parameters<typeof render>[1]) =>
  render(parseTemplate(text, PLACEHOLDERS), values);

describe("render", () => {
  test("sections are repeated, and each line knows where it comes from", () => {
    const text = "head {{name}}\n{{#items}}\n  item {{id}} of {{name}}\n{{/items}}\nend\n";
    const items = [
      { id: "1", name: "a" },
      { id: "2", name: "b" },
    ];
    expect(rendered(text, { name: "x", items })).toEqual({
      text: "head x\n  item 1 of a\n  item 2 of b\nend\n",
      origins: [1, 3, 3, 5],
    });
  });

  test("a value of several lines gets the indentation of its placeholder, an empty one no line", () => {
    const text = "{{name}}:\n  {{servers}}\nend";
    expect(rendered(text, { name: "x", servers: "a\nb" }).text).toBe("x:\n  a\n  b\nend\n");
    expect(rendered(text, { name: "x", servers: "" }).text).toBe("x:\nend\n");
  });

  test("values are never read as placeholders or patterns", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const { text } = rendered("<{{name}}>", { name: value });
        expect(text).toBe(`<${value}>\n`);
      }),
    );
    expect(rendered("a {{name}}", { name: "{{name}} $& $1" }).text).toBe("a {{name}} $& $1\n");
  });

  test("text without placeholders is itself", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^{}\n]*$/)), (lines) => {
        const text = `{{name}}\n${lines.join("\n")}\n`;
        expect(rendered(text, { name: "x" }).text).toBe(`x\n${lines.join("\n")}\n`);
      }),
    );
  });
});

test.each([
  ["{{nmae}}\n{{name}}", "Line 1: {{nmae}} is unknown in the template; there are {{name}}"],
  ["only text", "Line 1: {{name}} is missing in the template."],
  ["{{name}}\n{{#items}}\n{{/items}}", "Line 2: {{id}} is missing in {{#items}}."],
  [
    "{{name}}\n{{#items}}\n{{id}}{{servers}}\n{{/items}}",
    "Line 3: {{servers}} is unknown in {{#items}}",
  ],
  ["{{name}} {{items}}", "Line 1: {{items}} is unknown in the template"],
  ["{{#name}}\n{{/name}}\n{{name}}", "Line 1: {{#name}} is unknown in the template"],
  ["{{name}}\n{{#items}}\n{{id}}", "Line 2: {{#items}} has no {{/items}} after it."],
  ["{{name}}\n{{/items}}", "Line 2: {{/items}} ends no section that is open."],
  ["{{name}} {{constructor}}", "Line 1: {{constructor}} is unknown"],
])("%j is refused with its line", (text, message) => {
  expect(() => parseTemplate(text, PLACEHOLDERS)).toThrow(message);
});

test("all mistakes are reported at once", () => {
  expect(() => parseTemplate("{{a}}\n{{b}}", PLACEHOLDERS)).toThrow(/Line 1.*\nLine 2.*\nLine 2/);
});
