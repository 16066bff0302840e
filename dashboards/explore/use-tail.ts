"use client";

import { useCallback, useEffect, useRef, useState } from "react";

import { type EventDocument, TailMessage } from "../api.ts";
import { type ConnectionStatus, followConnection, openSocket } from "../live/connection.ts";

export type Tail = {
  status: ConnectionStatus | "off";
  paused: boolean;
  /** Newest first; what is shown above the loaded events. */
  events: EventDocument[];
  /** What came in since the pause, and what was left out because nobody can read that fast. */
  waiting: number;
  skipped: number;
  pause: () => void;
  resume: () => void;
};

const EVENTS_MAX = 500;
const EMPTY = {
  events: [] as EventDocument[],
  held: [] as EventDocument[],
  waiting: 0,
  skipped: 0,
};

/**
 * Events as they come in. While paused they wait in the wings and are counted. After a gap (a lost connection, a
 * hidden tab) `onGap` is to load what was missed, as soon as the reader does not hold the list.
 */
export function useTail(query: string, on: boolean, onGap: () => void): Tail {
  const [status, setStatus] = useState<ConnectionStatus>("connecting");
  const [paused, setPaused] = useState(false);
  const reading = useRef(false);
  const missed = useRef(false);
  const [tail, setTail] = useState({ ...EMPTY, of: query });
  const catchUp = useCallback(() => {
    setTail((last) => ({ ...last, events: [] }));
    onGap();
  }, [onGap]);
  useEffect(() => {
    if (!on) return;
    const socket = openSocket();
    let connections = 0;
    const unfollow = followConnection(socket, {
      onStatus: setStatus,
      onLive: () => {
        socket.emit("tail", { q: query });
        connections += 1;
        if (connections === 1) return;
        setTail((last) => ({ ...last, held: [] }));
        if (reading.current) missed.current = true;
        else catchUp();
      },
      onRefused: onGap,
    });
    socket.on("changed", catchUp);
    socket.on("tail", (message: unknown) => {
      const parsed = TailMessage.safeParse(message);
      if (parsed.success)
        setTail((last) => held(last.of === query ? last : fresh(query), parsed.data));
    });
    return unfollow;
  }, [query, on, catchUp, onGap]);
  const pause = useCallback(() => {
    reading.current = true;
    setPaused(true);
  }, []);
  const resume = useCallback(() => {
    reading.current = false;
    setPaused(false);
    if (missed.current) catchUp();
    missed.current = false;
  }, [catchUp]);
  const current = tail.of === query ? tail : fresh(query);
  if (!paused && current.held.length > 0) setTail(released(current));
  const { events, waiting, skipped } = current;
  return { status: on ? status : "off", paused, events, waiting, skipped, pause, resume };
}

type Kept = typeof EMPTY & { of: string };

const fresh = (of: string): Kept => ({ ...EMPTY, of });

/** Takes a message in; a page that was just loaded and a new tail may overlap, so an event stands once. */
function held(last: Kept, message: TailMessage): Kept {
  const seen = new Set([...last.held, ...last.events].map(({ id }) => id));
  const added = message.events.filter(({ id }) => !seen.has(id)).toReversed();
  return {
    ...last,
    held: [...added, ...last.held].slice(0, EVENTS_MAX),
    waiting: last.waiting + added.length + message.skipped,
    skipped: last.skipped + message.skipped,
  };
}

function released(last: Kept): Kept {
  const events = [...last.held, ...last.events].slice(0, EVENTS_MAX);
  return { ...last, events, held: [], waiting: 0 };
}
