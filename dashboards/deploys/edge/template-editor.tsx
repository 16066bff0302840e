"use client";

import { type FormEvent, useRef, useState } from "react";

import type { Problem } from "#dashboards/api.ts";
import { useResource } from "#dashboards/client/use-resource.ts";
import { ChangeRefused } from "#dashboards/sources/change-refused.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { EdgeTemplate, TemplateMistakes } from "../edge-messages.ts";
import { ReasonField } from "../reason-field.tsx";
import { DiffView } from "./diff-view.tsx";
import { NewerVersion } from "./newer-version.tsx";
import { type Mistakes, TemplateText, type TextHandle } from "./template-text.tsx";
import { nameOf } from "./version-name.ts";

type EditorProps = {
  /** The version that all nodes have, and the one whose text the editor begins with. */
  current: number;
  from: number;
  onClose: () => void;
};

/** Edits the template: check, difference, and apply with a reason. */
export function TemplateEditor(props: EditorProps) {
  const [base, setBase] = useState(props.current);
  const running = useResource(EdgeTemplate, `/api/edge/template?version=${base}`);
  const beginning = useResource(EdgeTemplate, `/api/edge/template?version=${props.from}`);
  const problem = running.problem ?? beginning.problem;
  const isReady = running.data !== undefined && beginning.data !== undefined;
  return (
    <section className="deploy-form" aria-label="Edit the configuration">
      <header>
        <h2>Edit the configuration</h2>
        <button type="button" onClick={props.onClose}>
          Close
        </button>
      </header>
      {problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={problem.detail ?? problem.title} />
        </p>
      ) : null}
      {isReady ? (
        <Editor
          key={beginning.data?.version}
          running={running.data ?? { version: base, text: "" }}
          beginning={beginning.data?.text ?? ""}
          current={props.current}
          onCompare={() => setBase(props.current)}
          onClose={props.onClose}
        />
      ) : null}
    </section>
  );
}

type Draft = {
  /** The version with which the draft is compared, and which it shall replace. */
  running: EdgeTemplate;
  beginning: string;
  current: number;
  onCompare: () => void;
  onClose: () => void;
};

function Editor({ running, beginning, current, onCompare, onClose }: Draft) {
  const draft = useDraft(beginning);
  const { text, mistakes, checked } = draft;
  const [reason, setReason] = useState("");
  const [hasDiff, setDiff] = useState(false);
  const handle = useRef<TextHandle>(null);
  const onApply = (event: FormEvent): void => {
    event.preventDefault();
    draft.apply({ reason, base: running.version }, onClose);
  };
  return (
    <form onSubmit={onApply}>
      <p className="quiet">
        What stands in double braces is filled in for each node; sections between{" "}
        <code>{"{{#workloads}}"}</code> and <code>{"{{/workloads}}"}</code> are repeated for each
        workload. Nothing reaches a node before it has passed all checks.
      </p>
      <TemplateText text={text} mistakes={mistakes} handle={handle} onText={draft.edit} />
      <output>
        {checked?.length === 0 ? "✓ HAProxy accepts it on each node, and its ports are free." : ""}
        {draft.isBusy ? "Checking on each node …" : ""}
      </output>
      {hasDiff ? (
        <DiffView before={running.text} after={text} title={nameOf(running.version)} />
      ) : null}
      <NewerVersion
        base={running.version}
        current={current}
        onCompare={() => {
          setDiff(true);
          onCompare();
        }}
      />
      <ReasonField value={reason} onValue={setReason} />
      {draft.problem ? <ChangeRefused change={draft.problem} /> : null}
      <div className="row">
        <button type="button" disabled={draft.isBusy} onClick={draft.check}>
          Check
        </button>
        <button type="button" aria-pressed={hasDiff} onClick={() => setDiff(!hasDiff)}>
          Difference
        </button>
        <button type="submit" className="primary" disabled={draft.isBusy}>
          Apply to all nodes
        </button>
      </div>
    </form>
  );
}

/** A text with what was found about it. What was found about another text is not shown. */
function useDraft(beginning: string) {
  const [text, setText] = useState(beginning);
  const [checked, setChecked] = useState<Mistakes>();
  const [applied, setApplied] = useState<string>();
  const check = useChange();
  const apply = useChange();
  const refused = applied === text ? mistakesIn(apply.problem) : [];
  const isRefused = applied === text && refused.length === 0;
  const about = isRefused ? apply : check;
  return {
    text,
    checked,
    mistakes: refused.length > 0 ? refused : (checked ?? []),
    isBusy: check.isBusy || apply.isBusy,
    /** The change that failed for a reason that is no mistake in a line. */
    problem: about.problem && about,
    edit(next: string): void {
      setText(next);
      setChecked(undefined);
    },
    check(): void {
      setApplied(undefined);
      const request = { method: "POST", url: "/api/edge/template/check", body: { text } };
      check.run(request, async (answer) =>
        setChecked(TemplateMistakes.parse(await answer.json()).mistakes),
      );
    },
    apply(by: { reason: string; base: number }, done: () => void): void {
      setChecked(undefined);
      setApplied(text);
      const body = { text, ...by };
      apply.run({ method: "POST", url: "/api/edge/template/versions", body }, done);
    },
  };
}

/** The lines that a refusal names. */
function mistakesIn(problem: Problem | undefined): Mistakes {
  const mistakes = (problem?.errors ?? []).map(({ path, message }) => {
    const line = /^line (\d+)$/.exec(path)?.[1];
    return { line: line === undefined ? null : Number(line), message };
  });
  return mistakes.some(({ line }) => line !== null) ? mistakes : [];
}
