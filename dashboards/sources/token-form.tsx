"use client";

import { type FormEvent, useState } from "react";
import { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson, jsonBody } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";
import { Labelled } from "./form-field.tsx";

const CreatedToken = z.object({ token: z.object({ name: z.string() }), secret: z.string() });

type TokenFormProps = {
  name: string;
  isMade: boolean;
  onToken: (name: string, secret: string) => void;
};

/** Makes the token with which a shipper pushes. Its secret is shown once. */
export function TokenForm({ name, isMade, onToken }: TokenFormProps) {
  const [problem, setProblem] = useState<Problem>();
  const [values, setValues] = useState({ name, datasets: "", rate: "" });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    fetchJson(CreatedToken, "/api/push-tokens", jsonBody("POST", requestOf(values))).then(
      (made) => onToken(made.token.name, made.secret),
      (error: unknown) => setProblem(asProblem(error)),
    );
  };
  if (isMade) {
    return (
      <p>
        The token is in the configuration below. It is shown only now: Quarterdeck keeps a hash of
        it.
      </p>
    );
  }
  return (
    <form className="source-form" onSubmit={submit}>
      {FIELDS.map(({ field, title, help, isRequired }) => (
        <Labelled key={field} title={title} help={help} error={undefined}>
          {(attributes) => (
            <input
              {...attributes}
              value={values[field]}
              required={isRequired}
              maxLength={1_000}
              autoComplete="off"
              inputMode={field === "rate" ? "numeric" : "text"}
              onChange={({ target }) => setValues({ ...values, [field]: target.value })}
            />
          )}
        </Labelled>
      ))}
      {problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={textOf(problem)} />
        </p>
      ) : null}
      <button type="submit" className="primary">
        Make a token
      </button>
    </form>
  );
}

const FIELDS = [
  {
    field: "name",
    title: "Name of its token",
    help: "How its events are called on this page.",
    isRequired: true,
  },
  {
    field: "datasets",
    title: "Datasets (optional)",
    help: "What it may write, such as nginx.*, shop.orders; others are refused. Default: all.",
    isRequired: false,
  },
  {
    field: "rate",
    title: "Events per second (optional)",
    help: "More are refused with 429, and the shipper sends them later. Default: no limit.",
    isRequired: false,
  },
] as const;

type Values = Readonly<Record<(typeof FIELDS)[number]["field"], string>>;

/** Text that is no number is sent as it is: the answer names what is expected. */
function requestOf({ name, datasets, rate }: Values): unknown {
  const named = datasets.split(/[\s,]+/).filter(Boolean);
  return {
    name: name.trim(),
    ...(named.length > 0 && { datasets: named }),
    ...(rate.trim() !== "" && {
      eventsPerSecond: Number.isFinite(Number(rate)) ? Number(rate) : rate,
    }),
  };
}

function textOf({ title, detail, errors = [] }: Problem): string {
  const fields = errors.map(({ path, message }) => `${path.replace(/^body\./, "")}: ${message}`);
  return fields.length > 0 ? fields.join("; ") : (detail ?? title);
}
