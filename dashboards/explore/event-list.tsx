"use client";

import { type RefObject, useEffect, useMemo, useRef, useState } from "react";

import type { EventDocument } from "../api.ts";
import { Failed } from "../panels/message.tsx";
import { useKeys } from "../shell/use-keys.ts";
import type { Zone } from "../zone.ts";
import { EventRow } from "./event-row.tsx";
import { TailStatus } from "./tail-status.tsx";
import { type EventPages, useEvents } from "./use-events.ts";
import { type Tail, useTail } from "./use-tail.ts";

type EventListProps = {
  search: string;
  query: string;
  live: boolean;
  /** Number of events that match the search, on all pages. */
  count: number;
  zone: Zone;
  opened: string | null;
  onOpen: (event: EventDocument | null) => void;
};

/** Scrolling further than this, or selecting text, pauses the live tail. */
const SCROLL_PX_MAX = 16;

/** The events, newest first: the live tail above, older pages below. */
export function EventList(props: EventListProps) {
  const { search, query, live, count, zone, opened, onOpen } = props;
  const pages = useEvents(search);
  const tail = useTail(query, live, pages.reload);
  const list = useRef<HTMLDivElement>(null);
  const events = useMemo(() => joined(tail.events, pages.events), [tail.events, pages.events]);
  const [current, setCurrent] = useState<string>();
  usePause(list, tail);
  useListKeys({ events, current, setCurrent, opened, onOpen });
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
          if (event.currentTarget.scrollTop > SCROLL_PX_MAX && live) tail.pause();
        }}
      >
        <ol>
          {events.map((event) => (
            <EventRow
              key={event.id}
              event={event}
              zone={zone}
              current={event.id === (opened ?? current)}
              onOpen={onOpen}
            />
          ))}
        </ol>
        <ListEnd pages={pages} empty={events.length === 0} nothing={count === 0} />
      </div>
    </section>
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
};

function useListKeys({ events, current, setCurrent, opened, onOpen }: ListKeys): void {
  const move = (by: 1 | -1): void => {
    const at = events.findIndex(({ id }) => id === (opened ?? current));
    const next = events[at === -1 ? 0 : Math.min(events.length - 1, Math.max(0, at + by))];
    if (!next) return;
    setCurrent(next.id);
    if (opened !== null) onOpen(next);
    const row = document.querySelector<HTMLElement>(`[data-event-id="${CSS.escape(next.id)}"]`);
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ next: () => move(1), previous: () => move(-1), close: () => onOpen(null) });
}

/** Concatenates tail and pages without the events that are in both. */
function joined(tail: readonly EventDocument[], loaded: readonly EventDocument[]): EventDocument[] {
  const seen = new Set(loaded.map(({ id }) => id));
  return [...tail.filter(({ id }) => !seen.has(id)), ...loaded];
}
