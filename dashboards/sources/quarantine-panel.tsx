"use client";

import { type FormEvent, useEffect, useState } from "react";

import { Link } from "../client/link.tsx";
import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { Failed } from "../panels/message.tsx";
import { Untrusted } from "../untrusted.tsx";
import { ChangeRefused } from "./change-refused.tsx";
import { Quarantine } from "./quarantine-messages.ts";
import { useChange } from "./use-change.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

const RELOAD_MS = { running: 1_000, quiet: 10_000 };

/** The lines that no format can parse, by reason, and reading them again. */
export function QuarantinePanel({ view }: { view: SourcesViewState }) {
  const path = view.quarantine ?? "";
  const search = path === "" ? "" : `?path=${encodeURIComponent(path)}`;
  const { data, problem, reload } = useResource(Quarantine, `/api/quarantine${search}`);
  const everyMs = data?.reprocessing.isRunning ? RELOAD_MS.running : RELOAD_MS.quiet;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return (
    <aside className="detail source-detail" aria-label="Quarantine">
      <header>
        <h2>Quarantine</h2>
        <button
          type="button"
          className="icon"
          aria-label="Close the quarantine"
          onClick={() => void view.set({ quarantine: null })}
        >
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      <p className="quiet">
        Lines that no format can parse are kept with the reason. After a fix or an update they can
        be read again: those that can be parsed then become events, with their own times.
      </p>
      <PathField key={path} view={view} />
      {problem && !data ? <Failed problem={problem} retry={reload} /> : null}
      {data ? (
        <>
          {data.mayManage ? <ReadAgain quarantine={data} path={path} reload={reload} /> : null}
          <Reasons quarantine={data} path={path} />
        </>
      ) : null}
      {!data && !problem ? <p aria-busy="true">Loading the quarantined lines</p> : null}
    </aside>
  );
}

function PathField({ view }: { view: SourcesViewState }) {
  const [text, setText] = useState(view.quarantine ?? "");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void view.set({ quarantine: text.trim() });
  };
  return (
    <form className="quarantine-path" onSubmit={submit}>
      <label>
        Only lines of the path{" "}
        <input
          value={text}
          maxLength={4_096}
          placeholder="all, or /srv/*/access.log"
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

type ReadAgainProps = { quarantine: Quarantine; path: string; reload: () => void };

function ReadAgain({ quarantine, path, reload }: ReadAgainProps) {
  const { reprocessing, formats, total } = quarantine;
  const [format, setFormat] = useState("");
  const [from, setFrom] = useState("");
  const change = useChange();
  const body = {
    ...(format !== "" && { format }),
    ...(path !== "" && { path }),
    ...(from !== "" && { from: new Date(from).toISOString() }),
  };
  const request = { method: "POST", url: "/api/quarantine/reprocess", body };
  const isRunning = reprocessing.isRunning || change.isBusy;
  return (
    <section className="quarantine-again">
      <label>
        As{" "}
        <select value={format} onChange={({ target }) => setFormat(target.value)}>
          <option value="">the format that fits</option>
          {formats.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>{" "}
      <label>
        Only since (optional){" "}
        <input
          type="datetime-local"
          value={from}
          onChange={({ target }) => setFrom(target.value)}
        />
      </label>{" "}
      <button
        type="button"
        className="primary"
        disabled={isRunning || total === 0}
        onClick={() => change.run(request, reload)}
      >
        {isRunning ? "Reading them again …" : "Read them again"}
      </button>
      <p>
        No format fits?{" "}
        <Link href={path === "" ? "/formats" : `/formats?path=${encodeURIComponent(path)}`}>
          Describe one by a pattern
        </Link>
      </p>
      <output>
        <Result reprocessing={reprocessing} />
      </output>
      <ChangeRefused change={change} />
    </section>
  );
}

function Result({ reprocessing: { last, isRunning } }: Pick<Quarantine, "reprocessing">) {
  if (isRunning || !last) return null;
  if (last.problem !== null) {
    return (
      <p className="form-error">
        They could not be read again: <Untrusted text={last.problem} charactersMax={1_000} />
      </p>
    );
  }
  return (
    <p>
      Of {formatExact(last.lines)} lines that were read again, <b>{formatExact(last.events)}</b> are
      events now.
    </p>
  );
}

type ReasonsProps = { quarantine: Quarantine; path: string };

function Reasons({ quarantine: { reasons, total, mayManage }, path }: ReasonsProps) {
  if (reasons.length === 0) return <p>No line is in quarantine.</p>;
  const listed = reasons.reduce((sum, { lines }) => sum + lines, 0);
  return (
    <>
      {reasons.map(({ reason, lines, samples }) => (
        <section key={reason}>
          <h3>
            {formatExact(lines)} {lines === 1 ? "line" : "lines"}: <Untrusted text={reason} />
          </h3>
          {mayManage ? (
            <p>
              <Link className="link" href={formatUrl(reason, path, samples)}>
                Make a format from these lines
              </Link>
            </p>
          ) : null}
          {samples.map((sample) => (
            <figure key={sample.id}>
              <pre className="source-raw">
                <Untrusted text={sample.line} charactersMax={600} expandable />
              </pre>
              <figcaption className="quiet">
                <Untrusted text={sample.path} /> ·{" "}
                <Link
                  className="link"
                  href={`/explore?q=event.kind:pipeline_error&event=${encodeURIComponent(sample.id)}`}
                >
                  the event
                </Link>
              </figcaption>
            </figure>
          ))}
        </section>
      ))}
      {total > listed ? (
        <p className="quiet">and {formatExact(total - listed)} lines with rarer reasons</p>
      ) : null}
    </>
  );
}

/** Where a format is made from quarantined lines: for the path of all of them, if it is known. */
function formatUrl(
  reason: string,
  path: string,
  samples: Quarantine["reasons"][number]["samples"],
): string {
  const found = new Set(samples.map((sample) => sample.path));
  const [only = ""] = found;
  const of = path !== "" ? path : found.size === 1 ? only : "";
  const search = new URLSearchParams({ reason, ...(of !== "" && { path: of }) });
  return `/formats?${search.toString()}`;
}
