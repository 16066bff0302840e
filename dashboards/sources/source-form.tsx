"use client";

import { type FormEvent, useState } from "react";

import type { Problem } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";
import type { KindOfSource, SourceEntryBody } from "./edit-messages.ts";
import { entryOf, type FormValues, initialValues, isUsed, suggestedId, yamlOf } from "./entry.ts";
import { FieldOrSecret, Labelled } from "./form-field.tsx";
import { useChange } from "./use-change.ts";

type FormProps = {
  kind: KindOfSource;
  /** The names that are taken. */
  known: readonly string[];
  /** The source that is changed, with its present values; a new one otherwise. */
  before?: { id: string; values: FormValues };
  onDone: (source: string) => void;
};

/** The properties of a source, and the same as YAML. */
export function SourceForm({ kind, known, before, onDone }: FormProps) {
  const [values, setValues] = useState<FormValues>(before?.values ?? initialValues(kind));
  /** The values that were refused, if they were. */
  const [sent, setSent] = useState<FormValues>({});
  const [secrets, setSecrets] = useState<FormValues>({});
  const [named, setNamed] = useState(before?.id);
  const change = useChange();
  const id = named ?? suggestedId(kind, values, (it) => known.includes(it));
  const entry = entryOf(kind, id, values);
  const used = kind.fields.filter((field) => isUsed(field, values));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const at = before ? `?source=${encodeURIComponent(before.id)}` : "";
    const given = Object.entries(secrets).filter(([, secret]) => secret !== "");
    const body = given.length === 0 ? entry : { ...entry, secrets: Object.fromEntries(given) };
    const request = { method: before ? "PUT" : "POST", url: `/api/sources${at}`, body };
    setSent(values);
    change.run(request, () => onDone(entry.id));
  };
  return (
    <form className="source-form" onSubmit={submit}>
      {used.map((field) => (
        <FieldOrSecret
          key={field.name}
          secret={secrets[field.name] ?? ""}
          onSecret={(secret) => setSecrets({ ...secrets, [field.name]: secret })}
          field={field}
          value={values[field.name] ?? ""}
          isKept={before !== undefined && field.isSecret}
          error={
            values[field.name] === sent[field.name]
              ? errorOf(change.problem, `body.properties.${field.name}`)
              : undefined
          }
          onValue={(value) => setValues({ ...values, [field.name]: value })}
        />
      ))}
      <Labelled
        title="Name"
        help="How the source is called on this page: a-z, 0-9, dots and hyphens."
        error={errorOf(change.problem, "body.id")}
      >
        {(attributes) => (
          <input
            {...attributes}
            value={id}
            required
            maxLength={63}
            onChange={({ target }) => setNamed(target.value)}
          />
        )}
      </Labelled>
      <Refusal problem={change.problem} fields={used.map(({ name }) => name)} />
      <button type="submit" className="primary" disabled={change.isBusy}>
        {before ? "Save" : "Add it"}
      </button>
      <SameAsYaml kind={kind} entry={entry} />
    </form>
  );
}

function SameAsYaml({ kind, entry }: { kind: KindOfSource; entry: SourceEntryBody }) {
  return (
    <details>
      <summary>The same as YAML</summary>
      <pre className="source-raw">
        <Untrusted
          text={yamlOf({ ...entry, properties: shown(kind, entry.properties) })}
          charactersMax={4_000}
        />
      </pre>
    </details>
  );
}

function shown<Value>({ fields }: KindOfSource, properties: Readonly<Record<string, Value>>) {
  const secrets = new Set(fields.filter(({ isSecret }) => isSecret).map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, secrets.has(name) ? "…" : value]),
  );
}

/** A refusal without fields, such as a file that cannot be written; those of the form's fields are beside them. */
export function Refusal({
  problem,
  fields,
}: {
  problem: Problem | undefined;
  fields: readonly string[];
}) {
  const isBeside = (path: string): boolean =>
    fields.some((name) => isOf(path, `body.properties.${name}`)) || isOf(path, "body.id");
  if (!problem) return null;
  const { errors = [] } = problem;
  if (errors.length > 0 && errors.every(({ path }) => isBeside(path))) return null;
  return (
    <p className="form-error" role="alert">
      <Untrusted text={problem.detail ?? problem.title} charactersMax={1_000} />
    </p>
  );
}

/** What is wrong with the field at this path. */
export const errorOf = (problem: Problem | undefined, path: string): string | undefined =>
  problem?.errors?.find((error) => isOf(error.path, path))?.message;

const isOf = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`);
