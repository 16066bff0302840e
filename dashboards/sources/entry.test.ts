import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";

import type { FormField } from "./edit-messages.ts";
import { entryOf, suggestedId, yamlOf } from "./entry.ts";

const field = (name: string, type: FormField["type"]): FormField => ({
  name,
  type,
  title: name,
  isRequired: false,
  isSecret: false,
  help: "",
  example: "",
  initial: "",
  when: null,
  secretFile: "",
  choices: [],
});

const KIND = {
  kind: "files",
  fields: [
    field("paths", "lines"),
    field("rate", "number"),
    field("tls", "switch"),
    field("note", "text"),
  ],
};

test("a filled form becomes a source, without its empty fields", () => {
  const values = { paths: " /a.log \n\n/b.log\n", rate: " 5 ", tls: "on", note: "" };
  expect(entryOf(KIND, " web ", values)).toEqual({
    id: "web",
    kind: "files",
    properties: { paths: ["/a.log", "/b.log"], rate: 5, tls: true },
  });
  expect(entryOf(KIND, "web", { rate: "many" }).properties).toEqual({ rate: "many", tls: false });
});

test("the YAML that is shown is that source", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (paths, note) => {
      const entry = entryOf(KIND, "web", { paths, note });
      const { id, kind, properties } = entry;
      expect(parse(yamlOf(entry))).toEqual({ sources: [{ id, kind, ...properties }] });
    }),
  );
});

test("the suggested name is that of the folder, and none that is taken", () => {
  const id = (paths: string, taken: readonly string[] = []) =>
    suggestedId(KIND, { paths }, (it) => taken.includes(it));
  expect(id("/var/log/nginx/*.log")).toBe("nginx");
  expect(id("/var/log/nginx/*.log", ["nginx", "nginx-2"])).toBe("nginx-3");
  expect(id("/srv/Web Shop/*/access.log")).toBe("srv");
  expect(id("")).toBe("files");
});
