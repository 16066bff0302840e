"use client";

import { useEffect, useState } from "react";

import { SourceList } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { Failed } from "./message.tsx";

const RELOAD_MS = 5_000;
const WORDS = { error: "Error", warning: "Warning", info: undefined } as const;

/** What is read, and how its lines were recognised. It is loaded when it is opened, and again while it is open. */
export function SourcesPanel() {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className="sources"
      data-testid="sources"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Sources: how lines are recognised</summary>
      {isOpen ? <Sources /> : null}
    </details>
  );
}

function Sources() {
  const { data, problem, reload } = useResource(SourceList, "/api/sources");
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (!data) return problem ? <Failed problem={problem} retry={reload} /> : <p>Loading</p>;
  if (data.total === 0) return <p>No log is read at the moment.</p>;
  const more = data.total - data.sources.length;
  return (
    <>
      <ul>
        {data.sources.map((source) => (
          <SourceItem key={source.path} source={source} />
        ))}
      </ul>
      {more > 0 ? (
        <p className="quiet">and {formatExact(more)} more: quarterdeck sources lists them all</p>
      ) : null}
    </>
  );
}

function SourceItem({ source }: { source: SourceList["sources"][number] }) {
  const { path, level, notes } = source;
  const word = WORDS[level];
  return (
    <li data-level={level}>
      {word === undefined ? null : <b>{word} </b>}
      <code>
        <Untrusted text={path} />
      </code>
      <ul>
        {notes.map((note) => (
          <li key={note}>
            <Untrusted text={note} />
          </li>
        ))}
      </ul>
    </li>
  );
}
