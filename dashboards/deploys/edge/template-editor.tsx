"use client";

import { type FormEvent, useRef, useState } from "react";

import type { Problem } from "#dashboards/api.ts";
import { useResource } from "#dashboards/client/use-resource.ts";
import { ChangeRefused } from "#dashboards/sources/change-refused.tsx";
import { type Change, useChange } from "#dashboards/sources/use-change.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { EdgeTemplate, TemplateMistakes } from "../edge-messages.ts";
import { ReasonField } from "../reason-field.tsx";
import { DiffView } from "./diff-view.tsx";
import { type Mistakes, TemplateText, type TextHandle } from "./template-text.tsx";

type EditorProps = {
  /** The version that all nodes have, and the one whose text the editor begins with. */
  current: number;
  from: number;
  onClose: () => void;
};

/** Edits the template: check, difference, and apply with a reason. */
export function TemplateEditor(props: EditorProps) {
  const [base] = useState(props.current);
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
          onClose={props.onClose}
        />
      ) : null}
    </section>
  );
}

type Draft = { running: EdgeTemplate; beginning: string; onClose: () => void };

function Editor({ running, beginning, onClose }: Draft) {
  const [text, setText] = useState(beginning);
  const [reason, setReason] = useState("");
  const [hasDiff, setDiff] = useState(false);
  const [checked, setChecked] = useState<Mistakes>();
  const check = useChange();
  const apply = useChange();
  const handle = useRef<TextHandle>(null);
  const refused = mistakesIn(apply.problem);
  const mistakes = refused.length > 0 ? refused : (checked ?? []);
  const edit = (next: string): void => {
    setText(next);
    setChecked(undefined);
  };
  const onCheck = (): void =>
    check.run({ method: "POST", url: "/api/edge/template/check", body: { text } }, async (answer) =>
      setChecked(TemplateMistakes.parse(await answer.json()).mistakes),
    );
  const onApply = (event: FormEvent): void => {
    event.preventDefault();
    const body = { text, reason, base: running.version };
    apply.run({ method: "POST", url: "/api/edge/template/versions", body }, onClose);
  };
  const isBusy = check.isBusy || apply.isBusy;
  return (
    <form onSubmit={onApply}>
      <p className="quiet">
        What stands in double braces is filled in for each node; sections between{" "}
        <code>{"{{#workloads}}"}</code> and <code>{"{{/workloads}}"}</code> are repeated for each
        workload. Nothing reaches a node before it has passed all checks.
      </p>
      <TemplateText text={text} mistakes={mistakes} handle={handle} onText={edit} />
      <output>
        {checked?.length === 0 ? "✓ HAProxy accepts it on each node, and its ports are free." : ""}
        {isBusy ? "Checking on each node …" : ""}
      </output>
      {hasDiff ? (
        <DiffView before={running.text} after={text} title={nameOf(running.version)} />
      ) : null}
      <ReasonField value={reason} onValue={setReason} />
      <Refused change={check} />
      {refused.length === 0 ? <Refused change={apply} /> : null}
      <div className="row">
        <button type="button" disabled={isBusy} onClick={onCheck}>
          Check
        </button>
        <button type="button" aria-pressed={hasDiff} onClick={() => setDiff(!hasDiff)}>
          Difference
        </button>
        <button type="submit" className="primary" disabled={isBusy}>
          Apply to all nodes
        </button>
      </div>
    </form>
  );
}

const Refused = ({ change }: { change: Change }) => <ChangeRefused change={change} />;

export const nameOf = (version: number): string =>
  version === 0 ? "version 0 (as Quarterdeck brings it)" : `version ${version}`;

/** The lines that a refusal names. */
function mistakesIn(problem: Problem | undefined): Mistakes {
  const mistakes = (problem?.errors ?? []).map(({ path, message }) => {
    const line = /^line (\d+)$/.exec(path)?.[1];
    return { line: line === undefined ? null : Number(line), message };
  });
  return mistakes.some(({ line }) => line !== null) ? mistakes : [];
}
