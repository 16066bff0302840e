import { Document, isCollection, isPair, isScalar, visit } from "yaml";
import { z } from "zod";

import type { FieldError } from "#platform/errors.ts";
import { invalid } from "#platform/http/invalid-input.ts";
import { type ReadYaml, readYaml } from "#platform/yaml.ts";

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
  const read = readYaml(text);
  if (!read.ok) throw notYaml(read.message);
  const file = File.safeParse(read.value);
  if (!file.success) throw refused(file.error.issues.flatMap(mistakesOf), read);
  const { application, description, flags } = file.data;
  const settings = Object.entries(file.data.settings).map(([key, { values, ...definition }]) => [
    key,
    { definition, values },
  ]);
  const content: Content = { description, flags, settings: Object.fromEntries(settings) };
  const mistakes = contentMistakes(content);
  if (mistakes.length > 0) throw refused(mistakes, read);
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

const notYaml = (message: string): Error =>
  invalid([{ path: "body.yaml", code: "invalid_yaml", message }]);

type Lines = Pick<Extract<ReadYaml, { ok: true }>, "lineOf">;
type Mistake = { at: readonly string[]; code: string; message: string; path?: string };

function refused(mistakes: readonly Mistake[], { lineOf }: Lines): Error {
  const fields = mistakes.slice(0, MISTAKES_MAX).map((mistake): FieldError => {
    const line = lineOf(mistake.at);
    const path = mistake.path ?? mistake.at.join(".");
    return {
      path: (path === "" ? "body.yaml" : `body.yaml.${path}`).slice(0, 300),
      code: mistake.code,
      message: `line ${line}: ${mistake.message}`,
    };
  });
  return invalid(fields);
}
