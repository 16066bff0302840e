"use client";

import { useEffect, useState } from "react";

import { PROBLEMS_NAMESPACE, ProblemsMessage } from "../api.ts";
import { followConnection, openSocket } from "../live/connection.ts";

/** The present problems: those of the page's HTML, then as the server pushes them. */
export function useProblems(initial: ProblemsMessage): ProblemsMessage {
  const [problems, setProblems] = useState(initial);
  useEffect(() => {
    const socket = openSocket(PROBLEMS_NAMESPACE);
    socket.on("problems", (message: unknown) => {
      const pushed = ProblemsMessage.safeParse(message);
      if (pushed.success) setProblems(pushed.data);
    });
    return followConnection(socket, {
      onStatus: () => undefined,
      onLive: () => undefined,
      onRefused: () => undefined,
    });
  }, []);
  return problems;
}
