import { expect, test } from "vitest";

import { AppError } from "#platform/errors.ts";

import { editedSources, type SourceEntry } from "./edit-sources.ts";
import { parseSources } from "./sources-file.ts";

const web = (paths: readonly string[], id = "web"): SourceEntry => ({
  id,
  kind: "files",
  properties: { paths },
});

const FILE = `# our logs
sources:
  # the shop
  - id: web # renamed in May
    kind: files
    paths: [/var/log/nginx/*.log]
  - id: app
    kind: files
    paths: [/srv/app.log]
`;

const refusedOf = (run: () => unknown): AppError => {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it was not refused");
};

test("sources are added to an empty file, changed and removed, and comments stay", () => {
  const first = editedSources("", { edit: "add", entry: web(["/a.log"]) });
  expect(first).toBe("sources:\n  - id: web\n    kind: files\n    paths:\n      - /a.log\n");
  const comment = editedSources("# nothing yet\n", { edit: "add", entry: web(["/a.log"]) });
  expect(comment).toContain("# nothing yet");
  const changed = editedSources(FILE, {
    edit: "change",
    id: "web",
    entry: web(["/var/log/nginx/*.log", "/b.log"], "shop"),
  });
  expect(changed).toContain("# our logs");
  expect(changed).toContain("# the shop");
  expect(changed).toContain("- id: shop");
  expect(changed).toContain("- /b.log");
  const removed = editedSources(FILE, { edit: "remove", id: "app" });
  expect(removed).toBe(FILE.slice(0, FILE.indexOf("  - id: app")));
  const last = editedSources(removed, { edit: "remove", id: "web" });
  const read = parseSources(last);
  expect(read.ok && read.file.sources).toEqual([]);
  const again = editedSources(last, { edit: "add", entry: web(["/a.log"]) });
  expect(parseSources(again)).toMatchObject({ ok: true, file: { sources: [{ id: "web" }] } });
});

test("a path that was named at start is excluded and included again", () => {
  const without = editedSources(FILE, { edit: "exclude", path: "/var/log/syslog" });
  expect(parseSources(without)).toMatchObject({ file: { exclude: ["/var/log/syslog"] } });
  const both = editedSources(without, { edit: "include", path: "/var/log/syslog" });
  expect(parseSources(both)).toMatchObject({ file: { exclude: [] } });
  expect(refusedOf(() => editedSources(FILE, { edit: "include", path: "/x" })).code).toBe(
    "not_found",
  );
});

test("an invalid entry is refused with its fields, and so is any change while the file has mistakes", () => {
  const relative = refusedOf(() =>
    editedSources(FILE, { edit: "add", entry: web(["logs/a.log"], "Web") }),
  );
  expect(relative.fields.map(({ path }) => path)).toEqual(["body.id"]);
  const paths = refusedOf(() => editedSources(FILE, { edit: "add", entry: web(["a.log"], "new") }));
  expect(paths.fields).toMatchObject([{ path: "body.properties.paths.0" }]);
  const taken = refusedOf(() => editedSources(FILE, { edit: "add", entry: web(["/a"], "app") }));
  expect(taken.fields).toMatchObject([{ path: "body.id" }]);
  const unknown = { id: "x", kind: "carrier pigeon", properties: {} };
  expect(
    refusedOf(() => editedSources(FILE, { edit: "add", entry: unknown })).fields,
  ).toMatchObject([{ path: "body.kind" }]);
  expect(refusedOf(() => editedSources(FILE, { edit: "remove", id: "x" })).code).toBe("not_found");
  const broken = refusedOf(() => editedSources("sources: 7\n", { edit: "remove", id: "web" }));
  expect(broken).toMatchObject({ code: "conflict" });
  expect(broken.message).toContain("line 1, sources");
});
