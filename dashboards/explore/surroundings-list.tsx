"use client";

import { useState } from "react";

import { type EventDocument, Surroundings } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { Failed } from "../panels/message.tsx";
import { Untrusted } from "../untrusted.tsx";
import { formatTime, type Zone } from "../zone.ts";
import { summaryOf, timeOf } from "./event-summary.ts";

type SurroundingEventsProps = {
  event: EventDocument;
  zone: Zone;
  onOpen: (event: EventDocument) => void;
};

/** The events just before and after one in the same source, whatever the search. */
export function SurroundingEvents(props: SurroundingEventsProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <section className="raw">
      <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        Surrounding events
      </button>
      {isOpen ? <Events {...props} /> : null}
    </section>
  );
}

const SUMMARY_CHARACTERS_MAX = 200;

function Events({ event, zone, onOpen }: SurroundingEventsProps) {
  const url = `/api/event/surroundings?id=${encodeURIComponent(event.id)}`;
  const { data, problem, reload } = useResource(Surroundings, url);
  if (problem) return <Failed problem={problem} retry={reload} />;
  if (!data) return <p className="quiet">Loading…</p>;
  return (
    <ol className="surroundings" data-testid="surroundings">
      {[...data.after, event, ...data.before].map((one) => (
        <li key={one.id}>
          <button
            type="button"
            className="link"
            aria-current={one.id === event.id || undefined}
            onClick={() => onOpen(one)}
          >
            {formatTime(timeOf(one) ?? 0, zone)}{" "}
            <Untrusted text={summaryOf(one)} charactersMax={SUMMARY_CHARACTERS_MAX} />
          </button>
        </li>
      ))}
    </ol>
  );
}
