"use client";

import { type FormEvent, useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";
import { FormatReread } from "./format-reread.tsx";
import { FormatTrial } from "./format-trial.tsx";
import type { UserFormat } from "./messages.ts";
import { useTrial } from "./use-trial.ts";

type Reread = Pick<Parameters<typeof FormatReread>[0], "reprocessing" | "reload">;

type FormatEditorProps = {
  /** With an empty name: a new one. */
  format: UserFormat;
  /** Lines to try it on. */
  samples: string;
  patterns: readonly string[];
  reread: Reread;
  onSaved: (name: string) => void;
  onRemoved: () => void;
};

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

type Draft = { name: string; pattern: string; paths: string };

/** A format with lines to try it on. It is saved for the files at its paths. */
export function FormatEditor(props: FormatEditorProps) {
  const { format, samples, patterns, reread, onSaved, onRemoved } = props;
  const [draft, setDraft] = useState<Draft>({ ...format, paths: format.paths.join("\n") });
  const [lines, setLines] = useState(samples);
  const [problem, setProblem] = useState<Problem>();
  const [status, setStatus] = useState("");
  const trial = useTrial(draft.pattern, lines);
  const isSaved = format.name !== "";
  const url = `/api/formats/${encodeURIComponent(draft.name)}`;
  const act = async (init: RequestInit): Promise<boolean> => {
    setProblem(undefined);
    try {
      await send(url, init);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    }
  };
  const save = async (): Promise<void> => {
    const body = { pattern: draft.pattern, paths: linesOf(draft.paths) };
    if (!(await act(jsonBody("PUT", body)))) return;
    setStatus(
      "Saved. Files at its paths are read in it within a second, and it can be chosen for any source.",
    );
    onSaved(draft.name);
  };
  const remove = async (): Promise<void> => {
    if (await act({ method: "DELETE" })) onRemoved();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void save();
  };
  return (
    <div className="formats-columns">
      <form className="formats-form" onSubmit={submit} aria-label="Format">
        <Fields
          draft={draft}
          isSaved={isSaved}
          isWrong={typeof trial.answer?.mistake === "string"}
          patterns={patterns}
          onChange={(part) => {
            setDraft((last) => ({ ...last, ...part }));
            setStatus("");
          }}
        />
        <Actions
          name={format.name}
          paths={format.paths}
          problem={problem}
          status={status}
          reread={reread}
          onRemove={() => void remove()}
        />
      </form>
      <FormatTrial lines={lines} onLines={setLines} trial={trial} />
    </div>
  );
}

type ActionsProps = {
  /** Empty for a format that is not saved yet. */
  name: string;
  paths: readonly string[];
  problem: Problem | undefined;
  status: string;
  reread: Reread;
  onRemove: () => void;
};

const Actions = ({ name, paths, problem, status, reread, onRemove }: ActionsProps) => (
  <>
    {problem ? (
      <p className="form-error" role="alert">
        <Untrusted text={textOf(problem)} charactersMax={2_000} />
      </p>
    ) : null}
    <div className="row">
      <button type="submit" className="primary">
        Save
      </button>
      {name === "" ? null : (
        <button type="button" onClick={onRemove}>
          Remove
        </button>
      )}
    </div>
    <output>{status}</output>
    {name === "" ? null : <FormatReread name={name} paths={paths} {...reread} />}
  </>
);

type FieldsProps = {
  draft: Draft;
  isSaved: boolean;
  /** Whether the pattern has a mistake. */
  isWrong: boolean;
  patterns: readonly string[];
  onChange: (part: Partial<Draft>) => void;
};

const Fields = ({ draft, isSaved, isWrong, patterns, onChange }: FieldsProps) => (
  <>
    <Field id="format-name" label="Name" hint="The dataset of its events, such as shop.orders">
      <input
        id="format-name"
        value={draft.name}
        required
        readOnly={isSaved}
        aria-describedby="format-name-hint"
        onChange={({ target }) => onChange({ name: target.value })}
      />
    </Field>
    <Field
      id="format-pattern"
      label="Pattern"
      hint="Grok, such as %{IP:source.ip} %{INT:order.id:int}, or an expression with named groups, such as (?<order.id>\d+)"
    >
      <textarea
        id="format-pattern"
        rows={4}
        value={draft.pattern}
        required
        spellCheck={false}
        aria-describedby="format-pattern-hint"
        aria-invalid={isWrong}
        onChange={({ target }) => onChange({ pattern: target.value })}
      />
    </Field>
    <PatternNames names={patterns} />
    <Field
      id="format-paths"
      label="Files"
      hint="One path in each line; * stands for any part of a name. Without paths it is used by its name only."
    >
      <textarea
        id="format-paths"
        rows={2}
        value={draft.paths}
        spellCheck={false}
        aria-describedby="format-paths-hint"
        placeholder="/srv/shop/*.log"
        onChange={({ target }) => onChange({ paths: target.value })}
      />
    </Field>
  </>
);

function textOf({ title, detail, errors }: Problem): string {
  const fields = errors?.map(
    ({ path, message }) => `${path.replace(/^(?:body|params)\./, "")}: ${message}`,
  );
  return fields && fields.length > 0 ? fields.join("; ") : (detail ?? title);
}

type FieldProps = { id: string; label: string; hint: string; children: React.ReactNode };

const Field = ({ id, label, hint, children }: FieldProps) => (
  <div className="formats-field">
    <label htmlFor={id}>{label}</label>
    {children}
    <p id={`${id}-hint`} className="quiet">
      {hint}
    </p>
  </div>
);

const PatternNames = ({ names }: { names: readonly string[] }) => (
  <details className="formats-names">
    <summary>Names for %{"{NAME}"}</summary>
    <p>
      <code>{names.join(" ")}</code>
    </p>
  </details>
);
