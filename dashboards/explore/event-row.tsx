"use client";

import { memo } from "react";

import type { EventDocument } from "../api.ts";
import { fieldText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import { formatDate, formatTime, type Zone } from "../zone.ts";
import { levelOf, summaryOf, timeOf } from "./event-summary.ts";

type EventRowProps = {
  event: EventDocument;
  zone: Zone;
  current: boolean;
  onOpen: (event: EventDocument) => void;
  /** In the whole list, from 1; only rows in view are in the page. */
  position: number;
  /** Fields shown in place of the summary. */
  columns: readonly string[];
};

const SUMMARY_CHARACTERS_MAX = 300;

/** An event in one line. */
export const EventRow = memo((props: EventRowProps) => {
  const { event, zone, current, onOpen, position, columns } = props;
  const level = levelOf(event);
  const atMs = timeOf(event);
  return (
    <li aria-posinset={position} aria-setsize={-1}>
      <button
        type="button"
        className="event"
        data-event-id={event.id}
        aria-current={current || undefined}
        onClick={() => onOpen(event)}
      >
        <span className="event-time">
          {atMs === null ? (
            "no time"
          ) : (
            <>
              <span className="event-date">{formatDate(atMs, zone)} </span>
              {formatTime(atMs, zone)}
            </>
          )}
        </span>
        <span className="event-level" data-tone={level.tone}>
          <span aria-hidden="true">{level.glyph}</span>{" "}
          <Untrusted text={level.word} charactersMax={14} />
        </span>
        <span className="event-dataset">
          <Untrusted text={fieldText(event.fields["data_stream.dataset"])} charactersMax={40} />
        </span>
        {columns.length > 0 ? (
          <Cells event={event} columns={columns} />
        ) : (
          <span className="event-summary">
            <Untrusted text={summaryOf(event)} charactersMax={SUMMARY_CHARACTERS_MAX} />
          </span>
        )}
      </button>
    </li>
  );
});
EventRow.displayName = "EventRow";

function Cells({ event, columns }: Pick<EventRowProps, "event" | "columns">) {
  return (
    <span className="event-summary event-cells" style={cellsStyle(columns)}>
      {columns.map((column) => (
        <span key={column}>
          <Untrusted
            text={fieldText(event.fields[column] ?? "–")}
            charactersMax={SUMMARY_CHARACTERS_MAX}
          />
        </span>
      ))}
    </span>
  );
}

export const cellsStyle = (columns: readonly string[]) => ({
  gridTemplateColumns: `repeat(${columns.length}, minmax(0, 1fr))`,
});
