"use client";

import { useEffect, useRef, useState } from "react";

import { PROBLEMS_NAMESPACE, ProblemsMessage } from "../api.ts";
import { followConnection, openSocket } from "../live/connection.ts";

type Listeners = {
  /** Called with whether the demo is on: it may be turned off in another tab. */
  onDemo: (demo: boolean) => void;
  /** Called when the server closed the connection, because the session has ended. */
  onRefused: () => void;
};

/** The present problems: those of the page's HTML, then as the server pushes them. */
export function useProblems(initial: ProblemsMessage, listeners: Listeners): ProblemsMessage {
  const [problems, setProblems] = useState(initial);
  const current = useRef(listeners);
  useEffect(() => {
    current.current = listeners;
  });
  useEffect(() => {
    const socket = openSocket(PROBLEMS_NAMESPACE);
    socket.on("problems", (message: unknown) => {
      const pushed = ProblemsMessage.safeParse(message);
      if (pushed.success) setProblems(pushed.data);
    });
    socket.on("demo", (message: unknown) => {
      if (typeof message === "boolean") current.current.onDemo(message);
    });
    return followConnection(socket, {
      onStatus: () => undefined,
      onLive: () => undefined,
      onRefused: () => current.current.onRefused(),
    });
  }, []);
  return problems;
}
