"use client";

import { useResource } from "../client/use-resource.ts";
import { Failed } from "../panels/message.tsx";
import { type KindOfSource, SourceKindsAnswer } from "./edit-messages.ts";
import type { SourcesAnswer } from "./messages.ts";
import { ShipperSteps } from "./shipper-steps.tsx";
import { type Shipper, SHIPPERS, shippersFor } from "./shippers.ts";
import { SourceForm } from "./source-form.tsx";
import type { SourcesViewState } from "./use-sources-view.ts";

type AddProps = { view: SourcesViewState; answer: SourcesAnswer };

/** Adding a source: its kind, then its properties. */
export function AddSource({ view, answer }: AddProps) {
  const { data, problem, reload } = useResource(SourceKindsAnswer, "/api/source-kinds");
  const chosen = data?.kinds.find(({ kind }) => kind === view.add);
  const shipper = SHIPPERS.find(({ id }) => `from ${id}` === view.add);
  return (
    <aside className="detail source-detail" aria-label="Add a source">
      <header>
        <h2>{chosen?.title ?? shipper?.title ?? "Add a source"}</h2>
        <button
          type="button"
          className="icon"
          aria-label="Close"
          onClick={() => void view.set({ add: null })}
        >
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
      {data ? (
        <Step kinds={data} chosen={chosen} shipper={shipper} view={view} answer={answer} />
      ) : null}
    </aside>
  );
}

type StepProps = AddProps & {
  kinds: SourceKindsAnswer;
  chosen: KindOfSource | undefined;
  shipper: Shipper | undefined;
};

/** The choice of a kind, or what follows it. */
function Step({ kinds: { kinds, pushPaths }, chosen, shipper, view, answer }: StepProps) {
  if (!chosen && !shipper) {
    return <Kinds kinds={kinds} shippers={shippersFor(pushPaths)} view={view} />;
  }
  return (
    <>
      {shipper ? <ShipperSteps shipper={shipper} view={view} answer={answer} /> : null}
      {chosen ? (
        <SourceForm
          kind={chosen}
          known={answer.rows.map(({ source }) => source)}
          onDone={(source) => void view.set({ add: null, source })}
        />
      ) : null}
      <button type="button" className="link" onClick={() => void view.set({ add: "" })}>
        Choose another kind
      </button>
    </>
  );
}

type KindsProps = {
  kinds: readonly KindOfSource[];
  shippers: readonly Shipper[];
  view: SourcesViewState;
};

const Kinds = ({ kinds, shippers, view }: KindsProps) => (
  <>
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
    <section>
      <h3>Sent to Quarterdeck by</h3>
      <ul className="source-shippers">
        {shippers.map(({ id, title }) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => void view.set({ add: `from ${id}`, source: null })}
            >
              {title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  </>
);
