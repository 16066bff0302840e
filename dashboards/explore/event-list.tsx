"use client";

import { type RefObject, useEffect, useMemo, useRef, useState } from "react";

import type { EventDocument } from "../api.ts";
import { Failed } from "../panels/message.tsx";
import { useKeys } from "../shell/use-keys.ts";
import { visibleText } from "../untrusted-text.ts";
import type { Zone } from "../zone.ts";
import { cellsStyle, EventRow } from "./event-row.tsx";
import { TailStatus } from "./tail-status.tsx";
import { type EventPages, useEvents } from "./use-events.ts";
import { type Tail, useTail } from "./use-tail.ts";
import { useVisibleRows } from "./use-visible-rows.ts";

type EventListProps = {
  search: string;
  query: string;
  live: boolean;
  /** Number of events that match the search, on all pages. */
  count: number;
  zone: Zone;
  opened: string | null;
  onOpen: (event: EventDocument | null) => void;
  /** Fields shown in place of the summary. */
  columns: readonly string[];
};

/** Scrolling further than this, or selecting text, pauses the live tail. */
const SCROLL_PX_MAX = 16;

/** The events, newest first: the live tail above, older pages below. */
export function EventList(props: EventListProps) {
  const { search, query, live, count, zone, opened, onOpen, columns } = props;
  const pages = useEvents(search);
  const tail = useTail(query, live, pages.reload);
  const list = useRef<HTMLDivElement>(null);
  const events = useMemo(() => joined(tail.events, pages.events), [tail.events, pages.events]);
  const [current, setCurrent] = useState<string>();
  usePause(list, tail);
  const rows = useVisibleRows(list, events.length, "button.event");
  useListKeys({ events, current, setCurrent, opened, onOpen, reveal: rows.reveal });
  const resume = (): void => {
    list.current?.scrollTo({ top: 0 });
    getSelection()?.removeAllRanges();
    tail.resume();
  };
  return (
    <section className="events" aria-label="Events">
      {live ? <TailStatus tail={tail} onResume={resume} /> : null}
      <div
        className="events-scroll"
        ref={list}
        data-testid="events"
        onScroll={(event) => {
          rows.update();
          if (event.currentTarget.scrollTop > SCROLL_PX_MAX && live) tail.pause();
        }}
      >
        {columns.length > 0 ? <ColumnNames columns={columns} /> : null}
        <ol
          style={{
            paddingTop: rows.first * rows.rowPx,
            paddingBottom: (events.length - rows.end) * rows.rowPx,
          }}
        >
          {events.slice(rows.first, rows.end).map((event, at) => (
            <EventRow
              key={event.id}
              event={event}
              position={rows.first + at + 1}
              zone={zone}
              current={event.id === (opened ?? current)}
              onOpen={onOpen}
              columns={columns}
            />
          ))}
        </ol>
        <ListEnd pages={pages} empty={events.length === 0} nothing={count === 0} />
      </div>
    </section>
  );
}

function ColumnNames({ columns }: { columns: readonly string[] }) {
  return (
    <div className="event column-names" aria-hidden="true">
      <span className="event-time" />
      <span className="event-level" />
      <span className="event-dataset" />
      <span className="event-summary event-cells" style={cellsStyle(columns)}>
        {columns.map((column) => (
          <span key={column}>{visibleText(column)}</span>
        ))}
      </span>
    </div>
  );
}

type ListEndProps = { pages: EventPages; empty: boolean; nothing: boolean };

/** The end of the list: loads the next page when it scrolls into view, or shows that there is none. */
function ListEnd({ pages, empty, nothing }: ListEndProps) {
  const end = useRef<HTMLDivElement>(null);
  const { more, loadMore, loading, problem } = pages;
  useEffect(() => {
    const { current: element } = end;
    if (!element || !more) return;
    const observer = new IntersectionObserver(
      (entries) => {
        // Several entries may arrive at once, oldest first.
        if (entries.at(-1)?.isIntersecting) loadMore();
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, loadMore]);
  return (
    <div ref={end} className="events-end quiet">
      {problem ? <Failed problem={problem} retry={pages.retry} /> : null}
      {loading && !problem ? "Loading…" : null}
      {!loading && empty && nothing ? (
        <p>Nothing matches in this range. Remove a filter, or widen the range (t z).</p>
      ) : null}
      {!loading && !empty && !more ? "No more events in this range." : null}
    </div>
  );
}

function usePause(list: RefObject<HTMLElement | null>, { pause }: Tail): void {
  useEffect(() => {
    const onSelect = (): void => {
      const selection = getSelection();
      const inside = selection?.anchorNode && list.current?.contains(selection.anchorNode);
      if (inside && !selection.isCollapsed) pause();
    };
    document.addEventListener("selectionchange", onSelect);
    return () => document.removeEventListener("selectionchange", onSelect);
  }, [list, pause]);
}

type ListKeys = {
  events: readonly EventDocument[];
  current: string | undefined;
  setCurrent: (id: string) => void;
  opened: string | null;
  onOpen: (event: EventDocument | null) => void;
  reveal: (row: number) => void;
};

function useListKeys({ events, current, setCurrent, opened, onOpen, reveal }: ListKeys): void {
  const toFocus = useRef<string>(undefined);
  // The row is in the page only after it was scrolled into view.
  useEffect(() => {
    const { current: id } = toFocus;
    if (id === undefined) return;
    const row = document.querySelector<HTMLElement>(`[data-event-id="${CSS.escape(id)}"]`);
    if (!row) return;
    toFocus.current = undefined;
    row.focus({ preventScroll: true });
  });
  const move = (by: 1 | -1): void => {
    const at = events.findIndex(({ id }) => id === (opened ?? current));
    const to = at === -1 ? 0 : Math.min(events.length - 1, Math.max(0, at + by));
    const next = events[to];
    if (!next) return;
    toFocus.current = next.id;
    setCurrent(next.id);
    if (opened !== null) onOpen(next);
    reveal(to);
  };
  useKeys({
    next: () => move(1),
    previous: () => move(-1),
    close: () => opened !== null && onOpen(null),
    // On a focused row or button, Enter presses that.
    open: () => {
      const isFree = document.activeElement === document.body || !document.activeElement;
      if (isFree && opened === null && events[0]) onOpen(events[0]);
    },
  });
}

/** Concatenates tail and pages without the events that are in both. */
function joined(tail: readonly EventDocument[], loaded: readonly EventDocument[]): EventDocument[] {
  const seen = new Set(loaded.map(({ id }) => id));
  return [...tail.filter(({ id }) => !seen.has(id)), ...loaded];
}
