"use client";

import { useCallback, useEffect, useRef, useState } from "react";

import { type EventDocument, TailMessage } from "../api.ts";
import { type ConnectionStatus, followConnection, openSocket } from "../live/connection.ts";

export type Tail = {
  status: ConnectionStatus | "off";
  paused: boolean;
  /** Newest first; shown above the loaded events. */
  events: EventDocument[];
  /** Events received while paused, and events skipped because there were too many to show. */
  waiting: number;
  skipped: number;
  pause: () => void;
  resume: () => void;
};

const EVENTS_MAX = 500;
const EMPTY = {
  events: [] as EventDocument[],
  buffered: [] as EventDocument[],
  waiting: 0,
  skipped: 0,
};

/**
 * New events, live. While paused they are buffered and counted. After a gap (a lost connection, a hidden tab) `onGap`
 * must load the missed events, once the list is no longer paused.
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
        setTail((last) => ({ ...last, buffered: [] }));
        if (reading.current) missed.current = true;
        else catchUp();
      },
      onRefused: onGap,
    });
    socket.on("changed", catchUp);
    socket.on("tail", (message: unknown) => {
      const parsed = TailMessage.safeParse(message);
      if (parsed.success)
        setTail((last) => addMessage(last.of === query ? last : fresh(query), parsed.data));
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
  if (!paused && current.buffered.length > 0) setTail(released(current));
  const { events, waiting, skipped } = current;
  return { status: on ? status : "off", paused, events, waiting, skipped, pause, resume };
}

type Kept = typeof EMPTY & { of: string };

const fresh = (of: string): Kept => ({ ...EMPTY, of });

/** Adds a message. A freshly loaded page and a new tail may overlap, so events are deduplicated. */
function addMessage(last: Kept, message: TailMessage): Kept {
  const seen = new Set([...last.buffered, ...last.events].map(({ id }) => id));
  const added = message.events.filter(({ id }) => !seen.has(id)).toReversed();
  return {
    ...last,
    buffered: [...added, ...last.buffered].slice(0, EVENTS_MAX),
    waiting: last.waiting + added.length + message.skipped,
    skipped: last.skipped + message.skipped,
  };
}

function released(last: Kept): Kept {
  const events = [...last.buffered, ...last.events].slice(0, EVENTS_MAX);
  return { ...last, events, buffered: [], waiting: 0 };
}
