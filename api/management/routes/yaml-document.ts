import {
  Document,
  LineCounter,
  isCollection,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  visit,
} from "yaml";
import { z } from "zod";

import type { FieldError } from "#platform/errors.ts";
import { invalid } from "#platform/http/invalid-input.ts";

import type { Application, Content } from "../domain/application.ts";
import { contentMistakes } from "../domain/decide.ts";
import {
  ApplicationName,
  DefinitionOnWire,
  Description,
  FlagOnWire,
  Key,
  ScopeKey,
} from "./wire.ts";

/** Format identifier of the file. */
const FORMAT = 1;
const MISTAKES_MAX = 50;
const DEPTH_MAX = 20;

const File = z.strictObject({
  format: z.literal(FORMAT, { error: `give format: ${FORMAT}` }),
  application: ApplicationName,
  description: Description.default(""),
  settings: z
    .record(Key, DefinitionOnWire.extend({ values: z.record(ScopeKey, z.unknown()).default({}) }))
    .default({}),
  flags: z.record(Key, FlagOnWire).default({}),
});

/** An application as a YAML file: everything that an import needs, with sorted keys. */
export function toYaml({ name, content }: Application): string {
  const settings = Object.entries(content.settings)
    .toSorted(byKey)
    .map(([key, { definition, values }]) => [key, { ...definition, values }]);
  const file = {
    format: FORMAT,
    application: name,
    description: content.description,
    settings: Object.fromEntries(settings),
    flags: Object.fromEntries(Object.entries(content.flags).toSorted(byKey)),
  };
  // Quoted for YAML 1.1 parsers, which would read `no` as false.
  const document = new Document(file, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
  visit(document, {
    Collection(_, node, path) {
      node.flow = path.filter(isCollection).length >= LINES_DEPTH && !isOfScopes(path.at(-1));
    },
    Scalar(_, node, path) {
      const { value } = node;
      if (typeof value !== "string" || !value.includes("\n")) return;
      if (NOT_PRESERVED.test(value) || path.some((it) => isCollection(it) && it.flow)) {
        node.type = "QUOTE_DOUBLE";
      }
    },
  });
  return document.toString({
    lineWidth: 0,
    flowCollectionPadding: false,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
}

/** Text that a block scalar would not preserve: trailing white space, other line endings. */
const NOT_PRESERVED = /^\s|[^\S\n](?:\n|$)|[\r\u0085\u2028\u2029]/;

/** Keys and their properties get their own lines; deeper values are written inline to keep the file small. */
const LINES_DEPTH = 3;
const isOfScopes = (node: unknown): boolean =>
  isPair(node) && isScalar(node.key) && node.key.value === "values";

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

/** The application name and content of a file. */
export type YamlFile = { name: string; content: Content };

/**
 * Parses an application from a YAML 1.2 file without aliases, custom tags or duplicate keys.
 * @throws AppError bad_request that lists every mistake with its path and line
 */
export function fromYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parsed(text, lines);
  const file = File.safeParse(plain(document));
  if (!file.success) {
    throw refused(file.error.issues.flatMap(mistakesOf), { document, lines });
  }
  const { application, description, flags } = file.data;
  const settings = Object.entries(file.data.settings).map(([key, { values, ...definition }]) => [
    key,
    { definition, values },
  ]);
  const content: Content = { description, flags, settings: Object.fromEntries(settings) };
  const mistakes = contentMistakes(content);
  if (mistakes.length > 0) throw refused(mistakes, { document, lines });
  return { name: application, content };
}

function mistakesOf(issue: z.core.$ZodIssue): Mistake[] {
  const at = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") {
    return [{ at, code: issue.code ?? "invalid", message: issue.message }];
  }
  return issue.keys.slice(0, MISTAKES_MAX).map((key) => ({
    at: [...at, key],
    code: issue.code,
    message: "unknown property",
  }));
}

type Source = { document: Document; lines: LineCounter };

function parsed(text: string, lineCounter: LineCounter): Document {
  const document = documentOf(text, lineCounter);
  const [wrong] = [...document.errors, ...document.warnings];
  if (!wrong) return checkedKeys(document, lineCounter);
  if (wrong.message.startsWith("Maximum call stack")) throw notYaml("it is nested too deeply");
  throw notYaml(wrong.message, lineCounter.linePos(wrong.pos[0]).line);
}

/** @throws AppError bad_request for a duplicate key */
function checkedKeys(document: Document, lines: LineCounter): Document {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        const line = isNode(key) && key.range ? lines.linePos(key.range[0]).line : 1;
        if (name === "__proto__") throw notYaml("__proto__ is not allowed as a key", line);
        if (seen.has(name))
          throw notYaml(`the key ${String(name).slice(0, 100)} is duplicated`, line);
        seen.add(name);
      }
    },
  });
  return document;
}

function documentOf(text: string, lineCounter: LineCounter): Document {
  try {
    // The library's check for duplicate keys is quadratic and takes a minute for the largest request.
    const options = {
      lineCounter,
      stringKeys: true,
      uniqueKeys: false,
      logLevel: "error",
      // The library quotes the line of each error, which takes minutes for many errors in one long line.
      prettyErrors: false,
    } as const;
    return parseDocument(text, options);
  } catch (error) {
    // The library recurses into nested values.
    if (error instanceof RangeError) throw notYaml("it is nested too deeply");
    throw error;
  }
}

/** Converts to JavaScript values. @throws AppError bad_request for aliases and values that JSON cannot hold */
function plain(document: Document): unknown {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    throw notYaml("aliases (*name) are not allowed: write the values out");
  }
  checkPlain(value, 0);
  return value;
}

function checkPlain(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw notYaml("it is nested too deeply");
  if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) {
    throw notYaml("text must not contain NUL or invalid Unicode");
  }
  if (typeof value === "bigint") throw notYaml("a number is too large");
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    checkPlain(name, depth + 1);
    checkPlain(item, depth + 1);
  }
}

function notYaml(why: string, line?: number): Error {
  const message = line === undefined ? why : `line ${line}: ${why}`;
  return invalid([{ path: "body.yaml", code: "invalid_yaml", message }]);
}

type Mistake = { at: readonly string[]; code: string; message: string; path?: string };

function refused(mistakes: readonly Mistake[], source: Source): Error {
  const fields = mistakes.slice(0, MISTAKES_MAX).map((mistake): FieldError => {
    const line = lineOf(mistake.at, source);
    const path = mistake.path ?? mistake.at.join(".");
    return {
      path: (path === "" ? "body.yaml" : `body.yaml.${path}`).slice(0, 300),
      code: mistake.code,
      message: `line ${line}: ${mistake.message}`,
    };
  });
  return invalid(fields);
}

/** The position of the value, or of its nearest existing parent. */
function lineOf(at: readonly string[], source: Source): number {
  for (let length = at.length; length > 0; length -= 1) {
    const node = source.document.getIn(at.slice(0, length), true);
    if (isNode(node) && node.range) return source.lines.linePos(node.range[0]).line;
  }
  return 1;
}
