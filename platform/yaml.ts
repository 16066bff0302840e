import { type Document, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";

const DEPTH_MAX = 20;

/** A YAML file as JavaScript values, with the lines of its values; or why it is not accepted, as a message for people. */
export type ReadYaml =
  | {
      ok: true;
      value: unknown;
      document: Document;
      /** Line of the value at these keys, or of its nearest existing parent; from 1. */
      lineOf(keys: readonly string[]): number;
    }
  | { ok: false; message: string };

/** Reads a YAML 1.2 file without aliases, custom tags or duplicate keys, whose values JSON can hold. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter();
  try {
    const document = parsed(text, lines);
    const value = plain(document);
    return { ok: true, value, document, lineOf: (keys) => lineOf(keys, document, lines) };
  } catch (error) {
    if (error instanceof NotAccepted) return { ok: false, message: error.message };
    throw error;
  }
}

class NotAccepted extends Error {
  constructor(why: string, line?: number) {
    super(line === undefined ? why : `line ${line}: ${why}`);
  }
}

function parsed(text: string, lineCounter: LineCounter): Document {
  const document = documentOf(text, lineCounter);
  const [wrong] = [...document.errors, ...document.warnings];
  if (!wrong) {
    checkKeys(document, lineCounter);
    return document;
  }
  if (wrong.message.startsWith("Maximum call stack")) {
    throw new NotAccepted("it is nested too deeply");
  }
  throw new NotAccepted(wrong.message, lineCounter.linePos(wrong.pos[0]).line);
}

/** @throws NotAccepted for a duplicate key */
function checkKeys(document: Document, lines: LineCounter): void {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        const line = isNode(key) && key.range ? lines.linePos(key.range[0]).line : 1;
        if (name === "__proto__") throw new NotAccepted("__proto__ is not allowed as a key", line);
        if (seen.has(name)) {
          throw new NotAccepted(`the key ${String(name).slice(0, 100)} is duplicated`, line);
        }
        seen.add(name);
      }
    },
  });
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
    if (error instanceof RangeError) throw new NotAccepted("it is nested too deeply");
    throw error;
  }
}

/** Converts to JavaScript values. @throws NotAccepted for aliases and values that JSON cannot hold */
function plain(document: Document): unknown {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new NotAccepted("aliases (*name) are not allowed: write the values out");
  }
  checkPlain(value, 0);
  return value;
}

function checkPlain(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw new NotAccepted("it is nested too deeply");
  if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) {
    throw new NotAccepted("text must not contain NUL or invalid Unicode");
  }
  if (typeof value === "bigint") throw new NotAccepted("a number is too large");
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    checkPlain(name, depth + 1);
    checkPlain(item, depth + 1);
  }
}

function lineOf(keys: readonly string[], document: Document, lines: LineCounter): number {
  for (let length = keys.length; length > 0; length -= 1) {
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
