import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";

import { sourcesCommand } from "./sources.ts";
import { captureOutput } from "./testing-output.ts";

async function editing() {
  const folder = await mkdtemp(path.join(tmpdir(), "edit-sources-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const output = captureOutput();
  return {
    run: (...args: string[]) => output.of(sourcesCommand, ...args, "--data", folder),
    file: async () => parse(await readFile(path.join(folder, "sources.yaml"), "utf8")) as unknown,
  };
}

test("sources are added, changed and removed by command as by the page", async () => {
  const { run, file } = await editing();
  const paths = ["--set", "paths=/srv/a.log", "--set", "paths=/srv/b.log"];
  await run("add", "web", "--kind", "files", ...paths);
  await run("add", "shop", "--kind", "database", "--set", "url=mysql://q@db.example");
  await run("change", "shop", "--set", "interval=30");
  expect(await file()).toEqual({
    sources: [
      { id: "web", kind: "files", paths: ["/srv/a.log", "/srv/b.log"] },
      { id: "shop", kind: "database", url: "mysql://q@db.example", interval: 30 },
    ],
  });
  await run("remove", "web");
  expect(await file()).toMatchObject({ sources: [{ id: "shop" }] });
});

test("a mistake names the property and what to do, and changes nothing", async () => {
  const { run, file } = await editing();
  await run("add", "web", "--kind", "files", "--set", "paths=/srv/a.log");
  const mistakes: [RegExp, ...string[]][] = [
    [/paths.0: give an absolute path/, "add", "x", "--kind", "files", "--set", "paths=a.log"],
    [/--set path=x: give NAME=VALUE with one of paths/, "change", "web", "--set", "path=x"],
    [/say what it is by --kind: files, syslog/, "add", "x"],
    [/there is no source y/, "change", "y", "--set", "paths=/a"],
    [/name one source/, "remove"],
  ];
  for (const [message, ...args] of mistakes) {
    await expect(run(...args)).rejects.toThrow(message);
  }
  expect(await file()).toEqual({ sources: [{ id: "web", kind: "files", paths: ["/srv/a.log"] }] });
});

test("the kinds are listed with their properties", async () => {
  const { run } = await editing();
  const kinds = await run("kinds");
  expect(kinds).toContain("syslog  A port or socket for syslog");
  expect(kinds).toContain("  port  Port (default 5514)");
});
