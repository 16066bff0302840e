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
import { invalid } from "#platform/http/request-input.ts";

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

/** Of the format of the file. */
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

/** An application as a YAML file: everything that an import of it needs, keys in order. */
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
  // Readers of YAML 1.1, of which there are many, are to find no `no` that they would take for false.
  const document = new Document(file, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
  visit(document, {
    Collection(_, node, path) {
      node.flow = path.filter(isCollection).length >= LINES_DEPTH && !isOfScopes(path.at(-1));
    },
    Scalar(_, node, path) {
      const { value } = node;
      if (typeof value !== "string" || !value.includes("\n")) return;
      if (ODD_LINES.test(value) || path.some((it) => isCollection(it) && it.flow)) {
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

/** Text that would not come back as it was from a block of lines: white space at the ends of lines, other ends of lines. */
const ODD_LINES = /^\s|[^\S\n](?:\n|$)|[\r\u0085\u2028\u2029]/;

/** A key and each thing that it has get lines of their own; what is inside of these stands on one, so that a file is hardly larger than what it says. */
const LINES_DEPTH = 3;
const isOfScopes = (node: unknown): boolean =>
  isPair(node) && isScalar(node.key) && node.key.value === "values";

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

/** What a file says: of which application, and what it is to be. */
export type InYaml = { name: string; content: Content };

/**
 * The application in a YAML 1.2 file. No aliases, no tags of its own, no key twice.
 * @throws AppError bad_request that names every mistake with its path and line
 */
export function fromYaml(text: string): InYaml {
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
    message: "this is not known here",
  }));
}

type Source = { document: Document; lines: LineCounter };

function parsed(text: string, lineCounter: LineCounter): Document {
  const document = documentOf(text, lineCounter);
  const [wrong] = [...document.errors, ...document.warnings];
  if (!wrong) return checkedKeys(document, lineCounter);
  if (wrong.message.startsWith("Maximum call stack")) throw notYaml("it is nested too deep");
  throw notYaml(wrong.message, lineCounter.linePos(wrong.pos[0]).line);
}

/** @throws AppError bad_request for a key that is there twice */
function checkedKeys(document: Document, lines: LineCounter): Document {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        const line = isNode(key) && key.range ? lines.linePos(key.range[0]).line : 1;
        if (name === "__proto__") throw notYaml("__proto__ is no key", line);
        if (seen.has(name))
          throw notYaml(`the key ${String(name).slice(0, 100)} is here twice`, line);
        seen.add(name);
      }
    },
  });
  return document;
}

function documentOf(text: string, lineCounter: LineCounter): Document {
  try {
    // Its own check of keys compares each with each, which takes a minute for what fits into a request.
    const options = {
      lineCounter,
      stringKeys: true,
      uniqueKeys: false,
      logLevel: "error",
      // They quote the line of each mistake, which takes minutes where one long line has many.
      prettyErrors: false,
    } as const;
    return parseDocument(text, options);
  } catch (error) {
    // It walks down what is nested by calling itself.
    if (error instanceof RangeError) throw notYaml("it is nested too deep");
    throw error;
  }
}

/** As JavaScript values. @throws AppError bad_request for aliases and what JSON cannot hold */
function plain(document: Document): unknown {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    throw notYaml("it uses aliases (*name), which are not taken: write the values out");
  }
  checkPlain(value, 0);
  return value;
}

function checkPlain(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw notYaml("it is nested too deep");
  if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) {
    throw notYaml("text may hold no NUL and no broken Unicode");
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

/** Where the thing stands, or the nearest thing around it that is there. */
function lineOf(at: readonly string[], source: Source): number {
  for (let length = at.length; length > 0; length -= 1) {
    const node = source.document.getIn(at.slice(0, length), true);
    if (isNode(node) && node.range) return source.lines.linePos(node.range[0]).line;
  }
  return 1;
}
