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
};

const SUMMARY_CHARACTERS_MAX = 300;

/** An event in one line. */
export const EventRow = memo(({ event, zone, current, onOpen }: EventRowProps) => {
  const level = levelOf(event);
  const atMs = timeOf(event);
  return (
    <li>
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
        <span className="event-summary">
          <Untrusted text={summaryOf(event)} charactersMax={SUMMARY_CHARACTERS_MAX} />
        </span>
      </button>
    </li>
  );
});
EventRow.displayName = "EventRow";
