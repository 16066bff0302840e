import type { FormField, KindOfSource, SourceEntryBody } from "./edit-messages.ts";

/** The values of a form as texts, by field. */
export type FormValues = Readonly<Record<string, string>>;

const ON = "on";

/** The values of a form for a new source. */
export const initialValues = ({ fields }: Pick<KindOfSource, "fields">): FormValues =>
  Object.fromEntries(fields.map(({ name, initial }) => [name, initial]));

/** Whether a field is used with the values of the others. */
export const isUsed = ({ when }: Pick<FormField, "when">, values: FormValues): boolean =>
  when === null || when.values.includes(values[when.field] ?? "");

/** The source that a filled form describes. Empty fields are left out, so that they have their defaults. */
export function entryOf(
  { kind, fields }: Pick<KindOfSource, "kind" | "fields">,
  id: string,
  values: FormValues,
): SourceEntryBody {
  const properties = fields.flatMap((field) => {
    if (!isUsed(field, values)) return [];
    const value = valueOf(field, values[field.name] ?? "");
    return value === undefined ? [] : [[field.name, value] as const];
  });
  return { id: id.trim(), kind, properties: Object.fromEntries(properties) };
}

function valueOf(
  { type }: FormField,
  text: string,
): SourceEntryBody["properties"][string] | undefined {
  if (type === "switch") return text === ON;
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (type === "lines") {
    return trimmed
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  }
  // Text that is no number is sent as it is: the answer names what is expected.
  if (type === "number") return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
  return trimmed;
}

/** The same source as a YAML file has it. JSON texts are valid YAML. */
export function yamlOf({ id, kind, properties }: SourceEntryBody): string {
  const lines = Object.entries(properties).map(
    ([name, value]) => `    ${name}: ${JSON.stringify(value)}`,
  );
  return ["sources:", `  - id: ${JSON.stringify(id)}`, `    kind: ${kind}`, ...lines].join("\n");
}

/** A short name for a new source: from the folder of its first path, otherwise from its kind. */
export function suggestedId(
  { kind, fields }: Pick<KindOfSource, "kind" | "fields">,
  values: FormValues,
  taken: (id: string) => boolean,
): string {
  const first =
    fields.map(({ name }) => values[name] ?? "").find((text) => text.includes("/")) ?? "";
  const folders = (first.split("\n")[0] ?? "").split("/").slice(0, -1);
  const folder = folders.findLast((name) => /^[\w.-]+$/.test(name) && name !== "log");
  const base = (folder ?? kind)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, "-")
    .replace(/^[^a-z0-9]+/, "");
  const name = base.slice(0, 50) || kind;
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? name : `${name}-${n}`;
    if (!taken(id)) return id;
  }
}
