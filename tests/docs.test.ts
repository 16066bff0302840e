import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";
import { z } from "zod";

const PackageJson = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = PackageJson.parse(JSON.parse(readFileSync("package.json", "utf8")));
const COMMANDS = [
  ...readFileSync("cli.ts", "utf8").matchAll(
    /^ {2}"?([\w-]+)"?: async \(\) =>\s+\(await import\(/gm,
  ),
].map(([, name = ""]) => name);

/** Paths that exist only after working with a clone. */
const MADE_LATER = /^(?:data|node_modules|\.next|bench\/out)(?:\/|$)/;
const TOP_LEVEL = new Set(readdirSync("."));

/** Paths, npm scripts, commands and links in a document that do not exist. */
function staleNames(document: { name: string; text: string }): string[] {
  const { name, text } = document;
  const code = [...text.matchAll(/`([^`\n]+)`/g)].map(([, inner = ""]) => inner);
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, inner = ""]) => inner);
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = ""]) =>
    path.posix.join(path.posix.dirname(name), target),
  );
  const paths = code.filter(isPath).map((it) => it.replace(/:\d+$/, ""));
  const missing = [...paths, ...links].filter((it) => !MADE_LATER.test(it) && !exists(it));
  const lines = [...code, ...blocks].join("\n");
  return [
    ...missing.map((it) => `${name}: there is no ${it}`),
    ...unknown(lines, /\bnpm run ([\w:-]+)/g, Object.keys(scripts)).map(
      (it) => `${name}: package.json has no script ${it}`,
    ),
    ...unknown(lines, /^\s*(?:\$ )?(?:npx )?quarterdeck ([a-z][a-z-]*)/gm, [
      ...COMMANDS,
      "help",
    ]).map((it) => `${name}: quarterdeck has no command ${it}`),
  ];
}

/** Whether code is a path of this repository: it begins with a name at its root. */
function isPath(code: string): boolean {
  if (!/^[\w.@-]+(?:\/[\w.@*{},-]*)+$/.test(code) || /[*{]/.test(code)) return false;
  return TOP_LEVEL.has(code.split("/")[0] ?? "");
}

function exists(file: string): boolean {
  return existsSync(file);
}

function unknown(text: string, pattern: RegExp, known: string[]): string[] {
  return [...text.matchAll(pattern)]
    .map(([, name = ""]) => name)
    .filter((it) => !known.includes(it));
}

const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "bench/README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("the documents name no path, script or command that does not exist", () => {
  const documents = DOCUMENTS.map((name) => ({ name, text: readFileSync(name, "utf8") }));
  expect(documents.flatMap(staleNames)).toEqual([]);
});

test("the list of commands is not empty", () => {
  expect(COMMANDS).toContain("start");
  expect(COMMANDS).toContain("ingest");
});

test("the checker reports violations", () => {
  const text = [
    "See `platform/gone.ts`, [the plan](docs/plan-that-is-gone.md) and `server/`.",
    "Run `npm run verify`, `npm run gone` or `quarterdeck teleport`; paths like `/api/me` are URLs.",
    "```sh\nnpx quarterdeck beam up\nquarterdeck ingest access.log\n```",
  ].join("\n");
  expect(staleNames({ name: "README.md", text })).toEqual([
    "README.md: there is no platform/gone.ts",
    "README.md: there is no docs/plan-that-is-gone.md",
    "README.md: package.json has no script gone",
    "README.md: quarterdeck has no command teleport",
    "README.md: quarterdeck has no command beam",
  ]);
});
