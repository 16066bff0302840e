"use client";

import { useEffect, useRef, useState } from "react";

import type { ProblemsMessage } from "../api.ts";
import { useRange } from "../client/use-range.ts";
import { Empty, Failed } from "../panels/message.tsx";
import { Shell } from "../shell/shell.tsx";
import type { Theme } from "../shell/theme.ts";
import { useKeys } from "../shell/use-keys.ts";
import { Untrusted } from "../untrusted.tsx";
import { AddSource } from "./add-source.tsx";
import { Excluded } from "./excluded.tsx";
import type { SourcesAnswer } from "./messages.ts";
import { QuarantinePanel } from "./quarantine-panel.tsx";
import { SourceDetailPanel } from "./source-detail.tsx";
import { SourcesList } from "./sources-list.tsx";
import { SourcesTools } from "./sources-tools.tsx";
import { type SourcesViewState, useSourcesView } from "./use-sources-view.ts";
import { type Sources, useSources } from "./use-sources.ts";

const FORBIDDEN = 403;
const NO_INDEXER_AFTER_MS = 5_000;

/** What is connected, and in which state it is. */
export function SourcesPage({ theme, problems }: { theme: Theme; problems: ProblemsMessage }) {
  const range = useRange();
  const view = useSourcesView();
  const sources = useSources(view.search);
  const { answer, problem, reload } = sources;
  return (
    <Shell
      page="sources"
      theme={theme}
      problems={problems}
      range={range}
      shown={undefined}
      demo={answer?.demo ?? false}
      reload={reload}
    >
      <div className="sources-page">
        <header className="sources-head">
          <h1>Sources</h1>
          {answer?.maySeeLines ? (
            <button type="button" onClick={() => void view.set({ quarantine: "", add: null })}>
              Quarantine
            </button>
          ) : null}
          {answer?.mayManage ? <AddButton view={view} /> : null}
        </header>
        {problem && !answer ? <Refused sources={sources} /> : null}
        {answer ? <Found answer={answer} view={view} sources={sources} /> : null}
        {!answer && !problem ? <p aria-busy="true">Loading the sources</p> : null}
      </div>
    </Shell>
  );
}

function Refused({ sources: { problem, reload } }: { sources: Sources }) {
  if (!problem) return null;
  if (problem.status !== FORBIDDEN) return <Failed problem={problem} retry={reload} />;
  return (
    <Empty title="You may not see the sources">
      <p>
        <Untrusted text={problem.detail ?? ""} /> Ask an owner for the grant{" "}
        <code>view source:*</code>.
      </p>
    </Empty>
  );
}

type FoundProps = { answer: SourcesAnswer; view: SourcesViewState; sources: Sources };

function Found({ answer, view, sources: { status } }: FoundProps) {
  const field = useRef<HTMLInputElement>(null);
  useListKeys(answer, view, () => field.current?.focus());
  const { rows, total } = answer;
  const isAdding = view.add !== null && answer.mayManage;
  const isPanelOpen = isAdding || view.source !== null || view.quarantine !== null;
  return (
    <>
      <output className="live" data-status={status}>
        <span className="dot" aria-hidden="true" />
        {STATUS_WORDS[status]}
      </output>
      <Notices answer={answer} />
      <SourcesTools answer={answer} view={view} field={field} />
      <div className="sources-columns" data-open={isPanelOpen || undefined}>
        <div className="sources-main" data-stale={status === "lost" || undefined}>
          {total === 0 ? <NoSources answer={answer} view={view} /> : null}
          <SourcesList answer={answer} view={view} />
          {total > 0 && rows.length === 0 ? <NothingMatches view={view} /> : null}
          <Excluded answer={answer} />
          <p className="quiet">
            The same as YAML: <code>{answer.filePath}</code>, which may be edited while Quarterdeck
            runs.
          </p>
        </div>
        <Panel answer={answer} view={view} isAdding={isAdding} />
      </div>
    </>
  );
}

type PanelProps = Omit<FoundProps, "sources"> & { isAdding: boolean };

/** Beside the list: the form for a new source, or the opened source. */
function Panel({ answer, view, isAdding }: PanelProps) {
  const { detail } = answer;
  if (isAdding) return <AddSource view={view} answer={answer} />;
  if (view.quarantine !== null) return <QuarantinePanel key="quarantine" view={view} />;
  if (view.source === null) return null;
  return (
    <SourceDetailPanel
      key={view.source}
      source={view.source}
      detail={detail?.row.source === view.source ? detail : undefined}
      answer={answer}
      view={view}
    />
  );
}

const STATUS_WORDS = {
  live: "Live",
  connecting: "Connecting…",
  lost: "Connection lost, retrying: what is shown may be outdated",
} as const;

function Notices({ answer: { fileProblem, hasIndexer } }: { answer: SourcesAnswer }) {
  return (
    <>
      {fileProblem === null ? null : (
        <p className="form-error" role="alert">
          <Untrusted text={fileProblem} charactersMax={2_000} />
        </p>
      )}
      {hasIndexer ? null : <NoIndexer />}
    </>
  );
}

/** Not at once: an indexer also starts again after the demo. */
function NoIndexer() {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), NO_INDEXER_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) return null;
  return (
    <p className="form-error" role="alert">
      No indexer is connected, so nothing is read. Start one:{" "}
      <code>npx quarterdeck role index</code>
    </p>
  );
}

function AddButton({ view }: { view: SourcesViewState }) {
  return (
    <button
      type="button"
      className="primary"
      title="Add a source (a)"
      onClick={() => void view.set({ add: "", quarantine: null })}
    >
      Add a source
    </button>
  );
}

function NoSources({ answer, view }: Omit<FoundProps, "sources">) {
  return (
    <Empty title="Nothing is connected yet">
      <p>
        Add log files, a port for syslog, a bucket or a database, or let a shipper such as Filebeat
        send to Quarterdeck. Formats are recognised by themselves.
      </p>
      {answer.mayManage ? (
        <AddButton view={view} />
      ) : (
        <p>
          Ask an owner for the grant <code>manage source:*</code> to add one.
        </p>
      )}
    </Empty>
  );
}

const NothingMatches = ({ view }: { view: SourcesViewState }) => (
  <Empty title="No source matches">
    <p>Search for part of a name, a path, a kind or a format.</p>
    <button type="button" onClick={() => void view.set({ find: null, state: null })}>
      Show all sources
    </button>
  </Empty>
);

/** j and k open the next and the previous source, Escape closes it. */
function useListKeys({ rows }: SourcesAnswer, view: SourcesViewState, search: () => void): void {
  const move = (by: number): void => {
    const at = rows.findIndex(({ source }) => source === view.source);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (next) void view.set({ source: next.source, quarantine: null, add: null });
  };
  useKeys({
    search,
    add: () => void view.set({ add: "" }),
    next: () => move(1),
    previous: () => move(-1),
    close: () => void view.set({ source: null, add: null, quarantine: null }),
  });
}
