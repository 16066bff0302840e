"use client";

import { type FormEvent, type ReactNode, useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";
import { Logo } from "./logo.tsx";

export type FieldSpec = {
  name: string;
  label: string;
  type: "email" | "password" | "text";
  autoComplete: string;
  hint?: string;
  lengthMin?: number;
};

type AccountFormProps = {
  title: string;
  lead: ReactNode;
  fields: readonly FieldSpec[];
  /** The URL to post to, and values sent in addition to the fields. */
  url: string;
  extra?: Record<string, string>;
  button: string;
  /** The URL to open after success. */
  after: string;
};

/** A form that posts its fields as JSON and shows each field's error beside it. */
export function AccountForm(props: AccountFormProps) {
  const { title, lead, fields, url, extra, button, after } = props;
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    setProblem(undefined);
    send(url, jsonBody("POST", { ...values, ...extra })).then(
      () => globalThis.location.assign(after),
      (error: unknown) => {
        setProblem(asProblem(error));
        setBusy(false);
      },
    );
  };
  const errorOf = (name: string): string | undefined =>
    problem?.errors?.find(({ path }) => path === `body.${name}`)?.message;
  return (
    <main id="main" className="account">
      <div className="account-brand">
        <Logo />
        Quarterdeck
      </div>
      <form className="account-card" onSubmit={submit} aria-labelledby="account-title">
        <h1 id="account-title">{title}</h1>
        <div className="quiet">{lead}</div>
        {problem ? (
          <p className="form-error" role="alert">
            <b>{problem.title}</b>
            {problem.detail ? (
              <>
                {" "}
                <Untrusted text={problem.detail.replaceAll("body.", "")} />
              </>
            ) : null}
          </p>
        ) : null}
        {fields.map((field) => (
          <AccountField key={field.name} field={field} error={errorOf(field.name)} />
        ))}
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "One moment…" : button}
        </button>
      </form>
    </main>
  );
}

function AccountField({ field, error }: { field: FieldSpec; error: string | undefined }) {
  const { name, label, type, autoComplete, hint, lengthMin } = field;
  return (
    <div className="account-field">
      <label htmlFor={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        required
        autoComplete={autoComplete}
        {...(lengthMin ? { minLength: lengthMin } : {})}
        aria-invalid={error !== undefined}
        aria-describedby={hint || error ? `${name}-hint` : undefined}
      />
      {hint || error ? (
        <p id={`${name}-hint`} className={error ? "field-error" : "quiet"}>
          {error ?? hint}
        </p>
      ) : null}
    </div>
  );
}
