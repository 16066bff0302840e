"use client";

import { useEffect, useRef, useState } from "react";
import type { Socket } from "socket.io-client";

import type { Problem } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { type ConnectionStatus, followConnection, openSocket } from "../live/connection.ts";
import { SourcesAnswer, SOURCES_NAMESPACE } from "./messages.ts";

export type Sources = {
  answer: SourcesAnswer | undefined;
  problem: Problem | undefined;
  status: ConnectionStatus;
  reload: () => void;
};

type Pushed = { search: string; answer: SourcesAnswer };

/** The sources of a view: loaded once, then as the server pushes them, about once a second. */
export function useSources(search: string): Sources {
  const { data, problem, reload } = useResource(SourcesAnswer, `/api/sources?${search}`);
  const [pushed, setPushed] = useState<Pushed>();
  const [status, setStatus] = useState<ConnectionStatus>("connecting");
  const current = useRef({ search, reload });
  useEffect(() => {
    current.current = { search, reload };
  });
  useEffect(() => {
    const socket = openSocket(SOURCES_NAMESPACE);
    socket.on("sources", (message: unknown) => {
      const answer = SourcesAnswer.safeParse(message);
      if (answer.success) setPushed({ search: current.current.search, answer: answer.data });
    });
    return followConnection(socket, {
      onStatus: setStatus,
      onLive: () => show(socket, current.current.search),
      onRefused: () => current.current.reload(),
    });
  }, []);
  useEffect(() => {
    const socket = openSocket(SOURCES_NAMESPACE);
    if (socket.connected) show(socket, search);
  }, [search]);
  const isNewer = pushed?.search === search && pushed.answer.atMs >= (data?.atMs ?? 0);
  return { answer: isNewer ? pushed.answer : data, problem, status, reload };
}

function show(socket: Socket, search: string): void {
  socket.emit("view", Object.fromEntries(new URLSearchParams(search)));
}
