import { Document, isMap, isSeq, type YAMLMap, type YAMLSeq } from "yaml";

import { AppError, type FieldError } from "#platform/errors.ts";
import { readYaml } from "#platform/yaml.ts";

import { formFields } from "./form-fields.ts";
import {
  type ConfiguredSource,
  mistakeText,
  parseSources,
  type SourcesMistake,
} from "./sources-file.ts";

/** A source as it is to be in the file. */
export type SourceEntry = {
  id: string;
  kind: string;
  properties: Readonly<Record<string, unknown>>;
};

/** A change of the sources file. */
export type SourcesEdit =
  | { edit: "add"; entry: SourceEntry }
  /** Secrets that are missing in `entry` stay as they are. */
  | { edit: "change"; id: string; entry: SourceEntry }
  | { edit: "remove"; id: string }
  /** A path that was named at start is not read any more, or is read again. */
  | { edit: "exclude" | "include"; path: string };

/**
 * The text of the file after the change; the rest of it, with its comments, stays as it is.
 * @throws AppError conflict if the file has mistakes, not_found, or bad_request with the invalid fields of the entry
 */
export function editedSources(text: string, change: SourcesEdit): string {
  const before = parseSources(text);
  if (!before.ok) {
    const mistakes = before.mistakes.map(mistakeText).join("; ");
    throw new AppError("conflict", `Correct the mistakes in the sources file first: ${mistakes}`);
  }
  const read = readYaml(text);
  const document = read.ok && isMap(read.document.contents) ? read.document : new Document({});
  // The comments of a file that has nothing else.
  if (read.ok && document !== read.document) document.commentBefore = read.document.commentBefore;
  apply(document, change, before.file.sources);
  const after = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  const result = parseSources(after);
  if (result.ok) return after;
  throw invalidEntry(result.mistakes);
}

function apply(
  document: Document,
  change: SourcesEdit,
  sources: readonly ConfiguredSource[],
): void {
  switch (change.edit) {
    case "add":
      listIn(document, "sources").add(document.createNode(plainEntry(change.entry)));
      return;
    case "change": {
      const at = indexOf(change.id, sources);
      const entry = withSecrets(change.entry, sources[at]);
      const list = listIn(document, "sources");
      const node = list.get(at, true);
      if (isMap(node)) setProperties(document, node, plainEntry(entry));
      return;
    }
    case "remove":
      listIn(document, "sources").delete(indexOf(change.id, sources));
      return;
    case "exclude":
      listIn(document, "exclude").add(change.path);
      return;
    case "include": {
      const list = listIn(document, "exclude");
      const paths: unknown[] = list.toJSON();
      const at = paths.indexOf(change.path);
      if (at < 0) throw new AppError("not_found", "This path is not excluded.");
      list.delete(at);
      return;
    }
  }
}

function indexOf(id: string, sources: readonly ConfiguredSource[]): number {
  const at = sources.findIndex((source) => source.id === id);
  if (at >= 0) return at;
  throw new AppError("not_found", `There is no source ${id} in the sources file.`);
}

/** The list with this key, which is created if there is none. */
function listIn(document: Document, key: string): YAMLSeq {
  const list = document.get(key, true);
  if (isSeq(list)) {
    // An empty list is written as [].
    if (list.items.length === 0) list.flow = false;
    return list;
  }
  const created = document.createNode([]);
  document.set(key, created);
  return created;
}

const plainEntry = ({ id, kind, properties }: SourceEntry): Record<string, unknown> => ({
  id,
  kind,
  ...properties,
});

/** Changes only properties that differ, so that comments beside the others stay. */
function setProperties(
  document: Document,
  node: YAMLMap,
  wanted: Readonly<Record<string, unknown>>,
): void {
  const present: Record<string, unknown> = node.toJSON();
  for (const name of Object.keys(present)) if (!(name in wanted)) node.delete(name);
  for (const [name, value] of Object.entries(wanted)) {
    if (JSON.stringify(present[name]) !== JSON.stringify(value)) {
      node.set(name, document.createNode(value));
    }
  }
}

function withSecrets(entry: SourceEntry, before: ConfiguredSource | undefined): SourceEntry {
  if (!before || before.kind.kind !== entry.kind) return entry;
  const kept = formFields(before.kind)
    .filter(({ name, isSecret }) => isSecret && !(name in entry.properties))
    .flatMap(({ name }) => (name in before.properties ? [[name, before.properties[name]]] : []));
  return { ...entry, properties: { ...entry.properties, ...Object.fromEntries(kept) } };
}

/** The mistakes of the entry that was added or changed, with the fields of the request. */
function invalidEntry(mistakes: readonly SourcesMistake[]): AppError {
  const fields = mistakes.map(({ field, message }): FieldError => {
    const [, , name = "", ...rest] = field.split(".");
    const isOwn = name === "id" || name === "kind";
    const path = isOwn ? `body.${name}` : ["body.properties", name, ...rest].join(".");
    return { path, code: "invalid", message };
  });
  const texts = fields.map(({ path, message }) => `${path.replace(FIELD_START, "")}: ${message}`);
  return new AppError("bad_request", texts.join("; "), { fields });
}

const FIELD_START = /^body\.(?:properties\.)?/;
