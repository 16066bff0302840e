"use client";

import { useCallback, useEffect, useState } from "react";

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

/** Events as they come in. While paused they wait in the wings and are counted. */
export function useTail(query: string, on: boolean): Tail {
  const [status, setStatus] = useState<ConnectionStatus>("connecting");
  const [paused, setPaused] = useState(false);
  const [tail, setTail] = useState({ ...EMPTY, of: query });
  useEffect(() => {
    if (!on) return;
    const socket = openSocket();
    followConnection(socket, setStatus, () => socket.emit("tail", { q: query }));
    socket.on("tail", (message: unknown) => {
      const parsed = TailMessage.safeParse(message);
      if (parsed.success)
        setTail((last) => held(last.of === query ? last : fresh(query), parsed.data));
    });
    return () => {
      socket.emit("untail");
      socket.disconnect();
    };
  }, [query, on]);
  const pause = useCallback(() => setPaused(true), []);
  const resume = useCallback(() => setPaused(false), []);
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
