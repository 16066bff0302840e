import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { TEMPLATES } from "../edge-servers.ts";
import { checkHaproxyConfig } from "./check-config.ts";
import { forbiddenParts } from "./forbidden-parts.ts";
import { HaproxyNode } from "./haproxy-node.ts";
import { nodeOptions, programForTests, shortFolder } from "./testing-haproxy.ts";

const HAPROXY = programForTests("haproxy");

/** Each makes HAProxy run FILE, a program in Lua, while it only checks the configuration. */
const RUNNING: readonly [string, string][] = [
  ["as it is", "global\n  lua-load FILE\n"],
  ["for each thread", "global\n  lua-load-per-thread FILE\n"],
  ["in quotes", 'global\n  "lua-l"oad FILE\n'],
  [
    "with an escape",
    String.raw`global
  \x6cua-load FILE
`,
  ],
  [
    "with an escape in quotes",
    String.raw`global
  "\x6cua-load" FILE
`,
  ],
  ["after no", "global\n  no lua-load FILE\n"],
  ["after default", 'global\n  default "lua-load" FILE\n'],
  ["in a section whose name has a variable", '"${NOTHING}global"\n  lua-load FILE\n'],
  ["as a variable", 'global\n  setenv NAME lua-load\n  "$NAME" FILE\n'],
  ["after another kind of blank", "global\n \u000Blua-load\u000CFILE\n"],
];

describe.skipIf(HAPROXY === undefined)("a configuration that would run a program", () => {
  test.each(RUNNING)("%s is refused before HAProxy reads it", async (_name, template) => {
    const folder = shortFolder();
    const [script, trace] = [path.join(folder, "program.lua"), path.join(folder, "trace")];
    writeFileSync(script, `io.open("${trace}", "w"):close()\n`);
    const file = path.join(folder, "haproxy.cfg");
    writeFileSync(file, template.replace("FILE", JSON.stringify(script)));
    const check = checkHaproxyConfig(HAPROXY ?? "", file, []);
    await expect(check).rejects.toMatchObject({ code: "unprocessable" });
    expect(existsSync(trace)).toBe(false);
  });

  test("is not given to a node either, whoever asks for it", async () => {
    const node = new HaproxyNode(await nodeOptions());
    const template = `global\n  lua-load /nothing.lua\n${TEMPLATES.haproxy}`;
    await expect(node.useTemplate(template)).rejects.toThrow(/Line 2: lua-load is not allowed/);
  });
});

test.each([
  "ring logs\n  size 65536\n  backing-file /tmp/file",
  "global\n  pidfile /tmp/file",
  "global\n  setenv LD_PRELOAD /tmp/file.so",
  "global\n  presetenv LD_DEBUG_OUTPUT /tmp/file",
  "global\n  unsetenv HOME",
  "global\n  resetenv PATH",
  "global\n  ssl-provider legacy",
  "global\n  external-check",
  "program x\n  command /bin/true",
])("%j is forbidden", (text) => {
  expect(forbiddenParts(text)).toHaveLength(1);
});

test("the template of Quarterdeck has nothing that is forbidden", () => {
  expect(forbiddenParts(TEMPLATES.haproxy.replaceAll(/\{\{.*?\}\}/g, "x"))).toEqual([]);
});
