"use client";

import { useEffect, useState } from "react";

import { Link } from "../client/link.tsx";
import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { type SourceRow, SourcesAnswer } from "../sources/messages.ts";
import { rateText, STATES } from "../sources/source-words.ts";
import { Untrusted } from "../untrusted.tsx";
import { Failed } from "./message.tsx";

const RELOAD_MS = 5_000;
const SOURCES_MAX = 12;

/** The sources in short, those with problems first. They are loaded when it is opened, and again while it is open. */
export function SourcesPanel() {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className="sources"
      data-testid="sources"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Sources: what is read, and how its lines are recognised</summary>
      {isOpen ? <Sources /> : null}
    </details>
  );
}

function Sources() {
  const { data, problem, reload } = useResource(SourcesAnswer, `/api/sources?limit=${SOURCES_MAX}`);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (!data) return problem ? <Failed problem={problem} retry={reload} /> : <p>Loading</p>;
  const more = data.total - data.rows.length;
  return (
    <>
      {data.total === 0 ? <p>No log is read at the moment.</p> : null}
      <ul>
        {data.rows.map((row) => (
          <SourceItem key={row.source} row={row} />
        ))}
      </ul>
      <p>
        <Link href="/sources">
          {more > 0 ? `All ${formatExact(data.total)} sources` : "More about the sources"}
        </Link>
      </p>
    </>
  );
}

function SourceItem({ row }: { row: SourceRow }) {
  const { source, state, reason, formats, eventsPerSecond, quarantined } = row;
  const refused = quarantined > 0 ? [`${formatExact(quarantined)} quarantined`] : [];
  const { word, shape } = STATES[state];
  return (
    <li>
      <span className="source-shape" data-state={state} aria-hidden="true">
        {shape}
      </span>{" "}
      <b>{word}</b>{" "}
      <Link href={`/sources?source=${encodeURIComponent(source)}`} prefetch={false}>
        <code>
          <Untrusted text={source} />
        </code>
      </Link>{" "}
      <span className="quiet">
        <Untrusted text={[rateText(eventsPerSecond), ...formats, ...refused].join(" · ")} />
      </span>
      {state === "receiving" ? null : (
        <p>
          <Untrusted text={reason} />
        </p>
      )}
    </li>
  );
}
