import { text } from "node:stream/consumers";

import type { SourceEntry } from "#collectors/configured/edit-sources.ts";
import { formFields, type FormField } from "#collectors/configured/form-fields.ts";
import { SOURCE_KINDS } from "#collectors/configured/kinds.ts";
import type { SourceKind } from "#collectors/configured/source-kind.ts";
import {
  type ConfiguredSource,
  mistakeText,
  readSources,
} from "#collectors/configured/sources-file.ts";
import { entryOf, initialValues } from "#dashboards/sources/entry.ts";
import { AppError } from "#platform/errors.ts";

import { openSourcesEditor } from "../sources/sources-editor.ts";
import type { Options } from "./options.ts";

type Given = { dataFolder: string; values: Options["values"]; names: readonly string[] };

/** The changes of the sources file that `quarterdeck sources` makes; each returns what to print. */
export const SOURCE_EDITS: Readonly<Record<string, (given: Given) => Promise<string>>> = {
  kinds: async () => SOURCE_KINDS.map(describeKind).join("\n"),
  add,
  change,
  remove,
};

const describeKind = (kind: SourceKind): string =>
  [
    `${kind.kind}  ${kind.summary}`,
    ...formFields(kind).map((field) => `  ${field.name}  ${describeField(field)}`),
  ].join("\n");

function describeField({ title, type, isRequired, choices, initial, example }: FormField): string {
  const notes = [
    ...(isRequired ? ["required"] : []),
    ...(type === "lines" ? ["may be repeated"] : []),
    ...(choices.length > 0 ? [choices.join(", ")] : []),
    ...(initial === "" ? [] : [`default ${initial}`]),
    ...(example === "" ? [] : [`for example ${example}`]),
  ];
  return notes.length === 0 ? title : `${title} (${notes.join("; ")})`;
}

async function add({ dataFolder, values, names }: Given): Promise<string> {
  const id = oneName(names);
  const name = values["kind"];
  const kind = SOURCE_KINDS.find((it) => it.kind === name);
  if (!kind) {
    const kinds = SOURCE_KINDS.map((it) => it.kind).join(", ");
    throw new AppError("bad_request", `say what it is by --kind: ${kinds}`);
  }
  const entry = entryWith(kind, id, textsOf(kind, values));
  await openSourcesEditor(dataFolder).apply({ edit: "add", entry }, await secretsOf(values));
  return `Added ${id}. A running Quarterdeck reads it within seconds.`;
}

async function change({ dataFolder, values, names }: Given): Promise<string> {
  const id = oneName(names);
  const { kind, properties: before } = await configured(dataFolder, id);
  const present = Object.entries(before).map(([name, value]) => [name, textOf(value)]);
  const texts = { ...Object.fromEntries(present), ...textsOf(kind, values) };
  const entry = entryWith(kind, id, texts);
  await openSourcesEditor(dataFolder).apply({ edit: "change", id, entry }, await secretsOf(values));
  return `Changed ${id}.`;
}

async function remove({ dataFolder, names }: Given): Promise<string> {
  const id = oneName(names);
  await openSourcesEditor(dataFolder).apply({ edit: "remove", id });
  return `Removed ${id}. Its events stay.`;
}

async function configured(dataFolder: string, id: string): Promise<ConfiguredSource> {
  const read = await readSources(dataFolder);
  if (!read.ok) throw new AppError("conflict", read.mistakes.map(mistakeText).join("\n"));
  const found = read.file.sources.find((it) => it.id === id);
  if (found) return found;
  throw new AppError("not_found", `there is no source ${id} in the sources file`);
}

function oneName(names: readonly string[]): string {
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new AppError("bad_request", "name one source: quarterdeck sources --help");
}

/** The entry with these values, as a form has them; those that are the default are left out. */
function entryWith(
  kind: SourceKind,
  id: string,
  texts: Readonly<Record<string, string>>,
): SourceEntry {
  const fields = formFields(kind);
  const initial: Record<string, string> = initialValues({ fields });
  const entry = entryOf({ kind: kind.kind, fields }, id, { ...initial, ...texts });
  const properties = Object.entries(entry.properties).filter(
    ([name]) => (texts[name] ?? initial[name]) !== initial[name],
  );
  return { ...entry, properties: Object.fromEntries(properties) };
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join("\n");
  if (typeof value === "boolean") return value ? "on" : "";
  return String(value);
}

/** The values of `--set NAME=VALUE` as a form has them: an empty one removes the property. */
function textsOf(kind: SourceKind, { set = [] }: Options["values"]): Record<string, string> {
  const fields = new Map(formFields(kind).map((field) => [field.name, field]));
  const texts: Record<string, string> = {};
  for (const setting of Array.isArray(set) ? set : [String(set)]) {
    const at = setting.indexOf("=");
    const name = setting.slice(0, Math.max(0, at));
    const field = fields.get(name);
    if (!field) {
      const names = [...fields.keys()].join(", ");
      throw new AppError("bad_request", `--set ${setting}: give NAME=VALUE with one of ${names}`);
    }
    texts[name] = valueOf(field, setting.slice(at + 1), texts[name]);
  }
  return texts;
}

function valueOf({ type }: FormField, value: string, before: string | undefined): string {
  if (type === "switch") return value === "true" || value === "on" ? "on" : "";
  return type === "lines" && before !== undefined ? `${before}\n${value}` : value;
}

/** `--secret NAME` reads the secret of this property from the standard input. */
async function secretsOf({ secret }: Options["values"]): Promise<Record<string, string>> {
  if (typeof secret !== "string") return {};
  const given = (await text(process.stdin)).trim();
  if (given === "")
    throw new AppError("bad_request", `--secret ${secret}: give it on the standard input`);
  return { [secret]: given };
}
