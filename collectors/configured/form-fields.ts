import { z } from "zod";

import type { SourceKind } from "./source-kind.ts";

/** A property of a kind of source, as a form shows it. */
export type FormField = {
  name: string;
  title: string;
  /** `lines`: several texts, one per line. */
  type: "text" | "lines" | "number" | "choice" | "switch";
  isRequired: boolean;
  /** It is never shown again. */
  isSecret: boolean;
  help: string;
  example: string;
  /** The value if the field is left out; empty if there is none. */
  initial: string;
  choices: string[];
  /** Another field, and the values of it with which this one is used; null: with all. */
  when: { field: string; values: string[] } | null;
  /** Of a file with a secret: what the secret is, which a form may ask for instead; otherwise empty. */
  secretFile: string;
};

const Property = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  examples: z.array(z.union([z.string(), z.number()])).optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  secretFile: z.string().optional(),
  when: z.object({ field: z.string(), values: z.array(z.string()) }).optional(),
  secret: z.boolean().optional(),
});

const ObjectSchema = z.looseObject({
  properties: z.record(z.string(), Property).default({}),
  required: z.array(z.string()).default([]),
});

/** The name of a format, of sources with lines. */
const FORMAT_FIELD: FormField = {
  name: "format",
  title: "Format",
  type: "choice",
  isRequired: false,
  isSecret: false,
  help: "By default it is recognised from the lines. A chosen one is tried first; lines that it cannot read are still recognised.",
  example: "",
  initial: "",
  choices: [],
  when: null,
  secretFile: "",
};

/** The fields of a form for sources of this kind, from its schema. Those that choose a format have no choices yet. */
export function formFields({
  schema,
  hasLines,
}: Pick<SourceKind, "schema" | "hasLines">): FormField[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const { properties, required } = ObjectSchema.parse(json);
  const fields = Object.entries(properties).map(([name, property]) => ({
    name,
    title: property.title ?? name,
    type: typeOf(property),
    isRequired: required.includes(name),
    isSecret: property.secret === true,
    help: property.description ?? "",
    example: String(property.examples?.[0] ?? ""),
    initial: initialOf(property),
    choices: property.enum ?? [],
    when: property.when ?? null,
    secretFile: property.secretFile ?? "",
  }));
  return hasLines ? [...fields, FORMAT_FIELD] : fields;
}

/** As forms have it: a switch is "on" or empty. */
function initialOf({ default: value = "" }: z.infer<typeof Property>): string {
  if (typeof value === "boolean") return value ? "on" : "";
  return String(value);
}

function typeOf({ type, enum: choices }: z.infer<typeof Property>): FormField["type"] {
  if (choices) return "choice";
  if (type === "array") return "lines";
  if (type === "boolean") return "switch";
  return type === "number" || type === "integer" ? "number" : "text";
}
