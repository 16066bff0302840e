"use client";

import { type ChangeEvent, useId } from "react";

import { Untrusted } from "../untrusted.tsx";
import type { FormField } from "./edit-messages.ts";

type FieldProps = {
  field: FormField;
  value: string;
  /** Whether an empty secret stays as it is. */
  isKept: boolean;
  error: string | undefined;
  onValue: (value: string) => void;
};

type SecretProps = FieldProps & { secret: string; onSecret: (secret: string) => void };

/** A field of a form of a source. Of a file with a secret also the secret itself, instead of the file. */
export function FieldOrSecret({ secret, onSecret, ...props }: SecretProps) {
  const { field, value, error } = props;
  if (field.secretFile === "") return <Field {...props} />;
  const help =
    value === ""
      ? "It is written into a file that only the user of Quarterdeck may read, and never shown again."
      : "Leave it empty to keep it as it is.";
  return (
    <>
      <Labelled title={`${field.secretFile} (optional)`} help={help} error={error}>
        {(attributes) => (
          <input
            {...attributes}
            type="password"
            value={secret}
            maxLength={1_000}
            autoComplete="new-password"
            onChange={({ target }) => onSecret(target.value)}
          />
        )}
      </Labelled>
      <details>
        <summary>Or name a file that has it</summary>
        <Field {...props} error={undefined} />
      </details>
    </>
  );
}

function Field({ field, value, isKept, error, onValue }: FieldProps) {
  const { title, type, help, example, initial, choices, isRequired, isSecret } = field;
  const onChange = (
    event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>,
  ): void => onValue(event.target.value);
  const required = isRequired && !isKept;
  const about = isKept ? `${help} Leave it empty to keep it as it is.` : help;
  if (type === "switch") {
    return (
      <label className="source-switch">
        <input
          type="checkbox"
          checked={value === "on"}
          onChange={({ target }) => onValue(target.checked ? "on" : "")}
        />{" "}
        {title}
      </label>
    );
  }
  const name = required || initial !== "" ? title : `${title} (optional)`;
  return (
    <Labelled title={name} help={about} error={error}>
      {(attributes) => {
        const common = { ...attributes, value, required, onChange, spellCheck: false };
        if (type === "lines") return <textarea {...common} rows={3} placeholder={example} />;
        if (type !== "choice") {
          const kind = isSecret ? "password" : "text";
          return <input {...common} type={kind} placeholder={example} autoComplete="off" />;
        }
        return (
          <select {...common}>
            {initial === "" ? <option value="">{required ? "Choose" : "Default"}</option> : null}
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        );
      }}
    </Labelled>
  );
}

type Attributes = { id: string; "aria-describedby": string; "aria-invalid": boolean };

type LabelledProps = {
  title: string;
  help: string;
  error: string | undefined;
  children: (attributes: Attributes) => React.ReactNode;
};

/** A label, its control, and help or what is wrong with the value. */
export function Labelled({ title, help, error, children }: LabelledProps) {
  const id = useId();
  const hint = `${id}-hint`;
  return (
    <div className="account-field">
      <label htmlFor={id}>{title}</label>
      {children({ id, "aria-describedby": hint, "aria-invalid": error !== undefined })}
      <p id={hint} className={error === undefined ? "quiet" : "field-error"}>
        <Untrusted text={error ?? help} />
      </p>
    </div>
  );
}
