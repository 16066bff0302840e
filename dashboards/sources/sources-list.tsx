"use client";

import { Fragment } from "react";

import { formatAge, formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { ROWS_MAX, type SourceRow, type SourcesAnswer } from "./messages.ts";
import { lagText, rateText, STATES } from "./source-words.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

const COLUMNS = ["Source", "State", "Rate", "Newest event", "Lag", "Quarantined", "Formats"];
const MORE_ROWS = 200;

type ListProps = { answer: SourcesAnswer; view: SourcesViewState };

/** One row for each source, in groups. */
export function SourcesList({ answer, view }: ListProps) {
  const { rows, matching, atMs } = answer;
  if (rows.length === 0) return null;
  const left = matching - rows.length;
  return (
    <>
      <table className="sources-table">
        <caption className="visually-hidden">Sources</caption>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Fragment key={row.source}>
              {row.group !== "" && row.group !== rows[index - 1]?.group ? (
                <tr className="source-group">
                  <th scope="colgroup" colSpan={COLUMNS.length}>
                    {view.group === "state" ? STATES[row.state].word : row.group}
                  </th>
                </tr>
              ) : null}
              <SourceLine row={row} atMs={atMs} view={view} />
            </Fragment>
          ))}
        </tbody>
      </table>
      {left > 0 ? (
        <p className="quiet">
          {formatExact(left)} more.{" "}
          {rows.length < ROWS_MAX ? (
            <button
              type="button"
              className="link"
              onClick={() => void view.set({ rows: Math.min(ROWS_MAX, view.rows + MORE_ROWS) })}
            >
              Show more
            </button>
          ) : (
            "Search for the others."
          )}
        </p>
      ) : null}
    </>
  );
}

function SourceLine({ row, atMs, view }: { row: SourceRow; atMs: number; view: SourcesViewState }) {
  const { source, state, reason, newestEventMs, quarantined, formats, title, parts } = row;
  const isOpen = view.source === source;
  return (
    <tr data-state={state} aria-current={isOpen || undefined}>
      <th scope="row">
        <button
          type="button"
          className="source-name"
          aria-expanded={isOpen}
          onClick={() =>
            void view.set({ source: isOpen ? null : source, add: null, quarantine: null })
          }
        >
          <Untrusted text={source} />
        </button>
        <span className="quiet">
          {title}
          {parts > 1 ? ` · ${formatExact(parts)} parts` : ""}
        </span>
      </th>
      <td>
        <span className="source-state">
          <span className="source-shape" data-state={state} aria-hidden="true">
            {STATES[state].shape}
          </span>{" "}
          {STATES[state].word}
        </span>
        {state === "receiving" ? null : (
          <span className="source-reason">
            <Untrusted text={reason} charactersMax={200} />
          </span>
        )}
      </td>
      <td data-label="Rate">{rateText(row.eventsPerSecond)}</td>
      <td data-label="Newest event">
        {newestEventMs === null ? "–" : formatAge(Math.max(0, atMs - newestEventMs))}
      </td>
      <td data-label="Lag">{lagText(row)}</td>
      <td data-label="Quarantined">{formatExact(quarantined)}</td>
      <td data-label="Formats">
        <Untrusted text={formats.join(", ") || "–"} />
      </td>
    </tr>
  );
}
