"use client";

import { useState } from "react";

import { useResource } from "../client/use-resource.ts";
import { formatExact, trimmed } from "../format.ts";
import { Failed } from "../panels/message.tsx";
import { Untrusted } from "../untrusted.tsx";
import { SourceFormats } from "./format-messages.ts";
import type { SourceDetail, SourcesAnswer } from "./messages.ts";

const PERCENT = 100;

type FormatsProps = { detail: SourceDetail; answer: SourcesAnswer };

/** The formats in which the lines are read: how many of them, whether one was chosen, and why not another one. */
export function FormatsOfSource({ detail, answer }: FormatsProps) {
  const { datasets, properties, last } = detail;
  const chosen = properties.find(({ name }) => name === "format")?.values[0];
  const total = datasets.reduce((sum, { events }) => sum + events, 0);
  return (
    <section>
      <h3>Formats</h3>
      {chosen === undefined ? null : (
        <p>
          <Untrusted text={chosen} /> was chosen: lines are tried with it first.
        </p>
      )}
      {datasets.length === 0 ? <p className="quiet">No line has been read yet.</p> : null}
      <ul className="source-datasets">
        {datasets.map(({ dataset, events }) => (
          <li key={dataset}>
            <Untrusted text={dataset} /> <b>{formatExact(events)}</b>{" "}
            {trimmed((events * PERCENT) / total, 1)} %
          </li>
        ))}
      </ul>
      {last && answer.maySeeLines ? <WhyNotAnother source={detail.row.source} /> : null}
    </section>
  );
}

function WhyNotAnother({ source }: { source: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Why not another format?</summary>
      {isOpen ? <Verdicts source={source} /> : null}
    </details>
  );
}

/** Of one line, because the next one may differ. */
function Verdicts({ source }: { source: string }) {
  const url = `/api/source-formats?source=${encodeURIComponent(source)}`;
  const { data, problem, reload } = useResource(SourceFormats, url);
  if (problem && !data) return <Failed problem={problem} retry={reload} />;
  if (!data) return <p aria-busy="true">Trying the last line with every format</p>;
  return (
    <>
      <figure>
        <pre className="source-raw">
          <Untrusted text={data.line} charactersMax={600} expandable />
        </pre>
      </figure>
      <dl className="source-fields">
        {data.formats.map(({ dataset, reason }, index) => (
          <div key={dataset}>
            <dt>{dataset}</dt>
            <dd>
              {reason === null ? (
                index === 0 ? (
                  "reads it, and fits best"
                ) : (
                  "could read it too, but another fits better"
                )
              ) : (
                <Untrusted text={reason} charactersMax={300} />
              )}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
