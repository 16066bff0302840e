"use client";

import { useResource } from "../client/use-resource.ts";
import { Failed } from "../panels/message.tsx";
import { type KindOfSource, SourceKindsAnswer } from "./edit-messages.ts";
import type { SourcesAnswer } from "./messages.ts";
import { SourceForm } from "./source-form.tsx";
import type { SourcesViewState } from "./use-sources-view.ts";

type AddProps = { view: SourcesViewState; answer: SourcesAnswer };

/** Adding a source: its kind, then its properties. */
export function AddSource({ view, answer }: AddProps) {
  const { data, problem, reload } = useResource(SourceKindsAnswer, "/api/source-kinds");
  const chosen = data?.kinds.find(({ kind }) => kind === view.add);
  const close = (): void => void view.set({ add: null });
  return (
    <aside className="detail source-detail" aria-label="Add a source">
      <header>
        <h2>{chosen ? chosen.title : "Add a source"}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={close}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {answer.demo ? (
        <p className="form-error">
          The demo is on. What you add is read as soon as you turn the demo off, at the top of this
          page.
        </p>
      ) : null}
      {problem && !data ? <Failed problem={problem} retry={reload} /> : null}
      {data && !chosen ? <Kinds kinds={data.kinds} view={view} /> : null}
      {chosen ? (
        <>
          <SourceForm
            kind={chosen}
            known={answer.rows.map(({ source }) => source)}
            onDone={(source) => void view.set({ add: null, source })}
          />
          <button type="button" className="link" onClick={() => void view.set({ add: "" })}>
            Choose another kind
          </button>
        </>
      ) : null}
    </aside>
  );
}

const Kinds = ({ kinds, view }: { kinds: readonly KindOfSource[]; view: SourcesViewState }) => (
  <ul className="source-kinds">
    {kinds.map(({ kind, title, summary }) => (
      <li key={kind}>
        <button type="button" onClick={() => void view.set({ add: kind })}>
          <b>{title}</b>
          <span className="quiet">{summary}</span>
        </button>
      </li>
    ))}
  </ul>
);
