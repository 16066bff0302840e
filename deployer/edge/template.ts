import { createHash } from "node:crypto";

import { AppError, type FieldError } from "#platform/errors.ts";

/** Values of placeholders: a text of one or more lines, or the entries of a section, each with values of its own. */
export type Values = { readonly [name: string]: string | readonly Values[] };

/** Which placeholders a template may have, and which it must have. Those of a section are in `within`. */
export type Placeholders = {
  readonly [name: string]: { isRequired: boolean; within?: Placeholders };
};

export type Rendered = {
  text: string;
  /** The line of the template, counted from 1, that each line of the text comes from. */
  origins: readonly number[];
};

const HASH_LENGTH = 16;
const OPEN = /^\s*\{\{#(\w+)\}\}\s*$/;
const CLOSE = /^\s*\{\{\/(\w+)\}\}\s*$/;
const PLACEHOLDER = /\{\{(\w+)\}\}/g;
const ALONE = /^(\s*)\{\{(\w+)\}\}\s*$/;

type Line = { kind: "line"; text: string; number: number };
type Section = { kind: "section"; name: string; number: number; nodes: readonly Node[] };
type Node = Line | Section;

/** A template that can be rendered: all of its placeholders are known, and none that is required is missing. */
export type Template = {
  nodes: readonly Node[];
  /** Of its text. */
  hash: string;
};

/**
 * Reads a template: plain text with `{{placeholders}}`, and sections that are repeated for each entry, between
 * `{{#name}}` and `{{/name}}` on lines of their own.
 * @throws AppError unprocessable with all mistakes, each with its line
 */
export function parseTemplate(text: string, placeholders: Placeholders): Template {
  const mistakes: FieldError[] = [];
  const report = (number: number, code: string, message: string): void => {
    mistakes.push({ path: `line ${number}`, code, message: `Line ${number}: ${message}` });
  };
  const lines = text.replace(/\n$/, "").split("\n");
  const nodes = readNodes({ lines, at: 0, report });
  checkNodes({ nodes, placeholders, where: "the template", endLine: lines.length }, report);
  if (mistakes.length > 0) {
    const messages = mistakes.map(({ message }) => message);
    throw new AppError("unprocessable", messages.join("\n"), { fields: mistakes });
  }
  return { nodes, hash: hashOf(text) };
}

type Report = (number: number, code: string, message: string) => void;
type Reader = { lines: readonly string[]; at: number; report: Report };

/** Until the end of the section, or of the text for the outermost one. */
function readNodes(reader: Reader, section?: { name: string; number: number }): Node[] {
  const nodes: Node[] = [];
  while (reader.at < reader.lines.length) {
    const text = reader.lines[reader.at] ?? "";
    reader.at += 1;
    const number = reader.at;
    const [, opened] = OPEN.exec(text) ?? [];
    const [, closed] = CLOSE.exec(text) ?? [];
    if (opened !== undefined) {
      const within = readNodes(reader, { name: opened, number });
      nodes.push({ kind: "section", name: opened, number, nodes: within });
    } else if (closed === undefined) nodes.push({ kind: "line", text, number });
    else if (closed === section?.name) return nodes;
    else reader.report(number, "unexpected_end", `{{/${closed}}} ends no section that is open.`);
  }
  if (section !== undefined) {
    const { name, number } = section;
    reader.report(number, "unclosed", `{{#${name}}} has no {{/${name}}} after it.`);
  }
  return nodes;
}

type Checked = {
  nodes: readonly Node[];
  placeholders: Placeholders;
  where: string;
  endLine: number;
};

function checkNodes({ nodes, placeholders, where, endLine }: Checked, report: Report): void {
  for (const node of nodes) {
    for (const name of namesIn(node)) {
      if (isKnown(node, name, placeholders)) continue;
      const names = Object.entries(placeholders).map(([it, { within }]) => shown(it, within));
      const what = node.kind === "section" ? `{{#${name}}}` : `{{${name}}}`;
      const message = `${what} is unknown in ${where}; there are ${names.join(", ")}.`;
      report(node.number, "unknown", message);
    }
  }
  const used = new Set(nodes.flatMap(namesIn));
  for (const [name, { isRequired, within }] of Object.entries(placeholders)) {
    if (isRequired && !used.has(name))
      report(endLine, "missing", `${shown(name, within)} is missing in ${where}.`);
    // What is in one of several sections of the same name is not missing in the others.
    const sections = nodes.filter((node) => node.kind === "section" && node.name === name);
    const [first] = sections;
    if (first === undefined || within === undefined) continue;
    const its = sections.flatMap((node) => (node.kind === "section" ? node.nodes : []));
    const place = { where: `{{#${name}}}`, endLine: first.number };
    checkNodes({ nodes: its, placeholders: within, ...place }, report);
  }
}

function isKnown(node: Node, name: string, placeholders: Placeholders): boolean {
  const known = Object.hasOwn(placeholders, name) ? placeholders[name] : undefined;
  return known !== undefined && (known.within !== undefined) === (node.kind === "section");
}

const shown = (name: string, within: Placeholders | undefined): string =>
  within === undefined ? `{{${name}}}` : `{{#${name}}}`;

const namesIn = (node: Node): string[] =>
  node.kind === "section"
    ? [node.name]
    : [...node.text.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);

/** A value of several lines stands alone on its line, whose indentation each of them gets. No value: no line. */
export function render({ nodes }: Pick<Template, "nodes">, values: Values): Rendered {
  const lines: { text: string; number: number }[] = [];
  renderNodes(nodes, values, lines);
  return {
    text: `${lines.map(({ text }) => text).join("\n")}\n`,
    origins: lines.map(({ number }) => number),
  };
}

function renderNodes(
  nodes: readonly Node[],
  values: Values,
  lines: { text: string; number: number }[],
): void {
  for (const node of nodes) {
    if (node.kind === "section") {
      const entries = values[node.name];
      if (typeof entries !== "object") throw new Error(`no entries for {{#${node.name}}}`);
      for (const entry of entries) renderNodes(node.nodes, entry, lines);
    } else {
      for (const text of renderLine(node.text, values)) lines.push({ text, number: node.number });
    }
  }
}

function renderLine(text: string, values: Values): string[] {
  const valueOf = (name: string): string => {
    const value = values[name];
    if (typeof value !== "string") throw new Error(`no value for {{${name}}}`);
    return value;
  };
  const [, indentation = "", alone] = ALONE.exec(text) ?? [];
  if (alone === undefined) {
    return [text.replaceAll(PLACEHOLDER, (_all, name: string) => valueOf(name))];
  }
  const value = valueOf(alone);
  return value === "" ? [] : value.split("\n").map((line) => indentation + line);
}

/** As nodes report it. */
export const hashOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH);
