"use client";

import { formatAge, formatExact, formatQuantity, formatSpan } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { ManageSource } from "./manage-source.tsx";
import type { SourceDetail, SourceRow, SourcesAnswer } from "./messages.ts";
import { RereadSource } from "./reread-source.tsx";
import { FormatsOfSource } from "./source-formats.tsx";
import { lagText, ORIGINS, rateText, STATES } from "./source-words.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

const RAW_CHARACTERS_MAX = 1_000;
/** Kinds of sources with lines that formats read. */
const WITH_LINES: ReadonlySet<string> = new Set([
  "files",
  "s3",
  "syslog",
  "relp",
  "gelf",
  "journal",
]);
/** What a setting opens, such as syslog+udp. */
const LISTENER = /^[a-z]+\+[a-z]+$/;

type PanelProps = {
  source: string;
  /** Undefined while it loads, or if there is no such source. */
  detail: SourceDetail | undefined;
  answer: SourcesAnswer;
  view: SourcesViewState;
};

/** Everything about one source: rate, lag, what was decided about its lines, the last line, its parts. */
export function SourceDetailPanel({ source, detail, answer, view }: PanelProps) {
  const close = (): void => void view.set({ source: null });
  return (
    <aside className="detail source-detail" aria-label="Source in full">
      <header>
        <h2>
          <code>
            <Untrusted text={source} />
          </code>
        </h2>
        <button type="button" className="icon" aria-label="Close the source" onClick={close}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {detail ? (
        <>
          <Known detail={detail} answer={answer} />
          {answer.maySeeLines && detail.row.quarantined > 0 ? (
            <button
              type="button"
              onClick={() => void view.set({ quarantine: onlyPathOf(detail), source: null })}
            >
              Look at its quarantined lines
            </button>
          ) : null}
          {answer.mayManage ? <ManageSource detail={detail} view={view} /> : null}
          {answer.mayManage && mayReread(detail.row) ? (
            <RereadSource key={source} source={source} />
          ) : null}
        </>
      ) : (
        <p className="quiet">There is no such source now. It may have been removed or renamed.</p>
      )}
    </aside>
  );
}

/** Events that were pushed with a token do not have its name. */
const mayReread = ({ source, kind, origin }: SourceRow): boolean =>
  WITH_LINES.has(kind) || (origin === "pushed" && LISTENER.test(source));

/** Quarantined lines are found by their path: those of a source with several paths are among those of all. */
const onlyPathOf = ({ parts }: SourceDetail): string =>
  parts.length === 1 ? (parts[0]?.path ?? "") : "";

function Known({ detail, answer }: { detail: SourceDetail; answer: SourcesAnswer }) {
  const { row, properties, parts } = detail;
  const { word, shape } = STATES[row.state];
  return (
    <>
      <p>
        <span className="source-state">
          <span className="source-shape" data-state={row.state} aria-hidden="true">
            {shape}
          </span>{" "}
          {word}
        </span>{" "}
        <Untrusted text={row.reason} charactersMax={600} />
      </p>
      <Facts row={row} atMs={answer.atMs} />
      <FormatsOfSource detail={detail} answer={answer} />
      <LastLine detail={detail} answer={answer} />
      <Parts parts={parts} total={row.parts} />
      {properties.length > 0 ? <Properties properties={properties} /> : null}
    </>
  );
}

function Facts({ row, atMs }: { row: SourceRow; atMs: number }) {
  const { newestEventMs, arrivedMs, delayMs, usualGapMs, quarantined, events } = row;
  const ago = (ms: number | null): string =>
    ms === null ? "–" : formatAge(Math.max(0, atMs - ms));
  const facts: [string, string][] = [
    ["Rate", `${rateText(row.eventsPerSecond)}, over the last 20 s`],
    ["Read since the start", `${formatExact(events)} events`],
    ["Quarantined", formatExact(quarantined)],
    ["Newest event", ago(newestEventMs)],
    ["Last arrival", ago(arrivedMs)],
    ["From event to reading", delayMs === null ? "–" : formatQuantity(delayMs, "ms")],
    ["Not read yet", lagText(row)],
    ["Reading", row.paused ?? "not held back"],
    ["Usual gap", usualGapMs === null ? "not known yet" : `up to ${formatSpan(usualGapMs)}`],
    ["Configured", ORIGINS[row.origin]],
  ];
  return (
    <dl className="source-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function LastLine({
  detail: { last, row },
  answer,
}: {
  detail: SourceDetail;
  answer: SourcesAnswer;
}) {
  return (
    <section>
      <h3>Last line</h3>
      {last ? (
        <>
          <figure aria-label="Last line as it arrived">
            <pre className="source-raw">
              <Untrusted text={last.raw} charactersMax={RAW_CHARACTERS_MAX} expandable />
            </pre>
          </figure>
          <dl className="source-fields">
            {last.fields.map(({ name, value }) => (
              <div key={name}>
                <dt>
                  <Untrusted text={name} />
                </dt>
                <dd>
                  <Untrusted text={value} />
                </dd>
              </div>
            ))}
          </dl>
        </>
      ) : (
        <p className="quiet">{whyNoLine(row, answer)}</p>
      )}
    </section>
  );
}

function whyNoLine({ arrivedMs }: SourceRow, { maySeeLines }: SourcesAnswer): string {
  if (!maySeeLines) return "Lines are shown to members with the grant “view events:all”.";
  return arrivedMs === null
    ? "No line has arrived yet."
    : "No line has arrived since the indexer started. Earlier ones are in Explore.";
}

function Parts({ parts, total }: { parts: SourceDetail["parts"]; total: number }) {
  return (
    <section>
      <h3>{total === 1 ? "Position" : `Parts (${formatExact(total)})`}</h3>
      <ul className="source-parts">
        {parts.map((part) => (
          <li key={part.path} data-level={part.level}>
            <code>
              <Untrusted text={part.path} />
            </code>
            {part.read !== null && part.total !== null && part.total > 0 ? (
              <progress
                value={part.read}
                max={part.total}
                aria-label={`${formatExact(part.read)} of ${formatExact(part.total)} ${part.unit} are read`}
              />
            ) : null}
            <ul>
              {part.notes.map((note) => (
                <li key={note}>
                  <Untrusted text={note} charactersMax={600} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {total > parts.length ? (
        <p className="quiet">
          and {formatExact(total - parts.length)} more without problems, or with lesser ones
        </p>
      ) : null}
    </section>
  );
}

const Properties = ({ properties }: Pick<SourceDetail, "properties">) => (
  <section>
    <h3>Configuration</h3>
    <dl className="source-fields">
      {properties.map(({ name, values }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Untrusted text={values.join("\n")} />
          </dd>
        </div>
      ))}
    </dl>
  </section>
);
