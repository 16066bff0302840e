"use client";

import { useEffect, useMemo, useRef, useState } from "react";
import type { Socket } from "socket.io-client";

import { redirectToSignIn } from "../client/session-end.ts";
import { type ConnectionStatus, followConnection, openSocket } from "../live/connection.ts";
import {
  DEPLOYS_NAMESPACE,
  DeploysMessage,
  type DeploysView,
  type PageName,
  PAGES,
  type Pages,
} from "./live-messages.ts";

export type Live<Name extends PageName> = {
  /** The newest state that is known, also while a newer one cannot be read. */
  content: Pages[Name] | undefined;
  problem: { code: string; message: string } | undefined;
  status: ConnectionStatus;
  demo: boolean;
  /** The time of the newest message. */
  atMs: number | undefined;
};

type Shown = {
  view: string;
  content: unknown;
  problem: Live<PageName>["problem"];
  demo: boolean;
  atMs: number;
};

/** What a page about deploys shows, as the server pushes it. */
export function useLive<Name extends PageName>(
  view: Extract<DeploysView, { page: Name }>,
): Live<Name> {
  const key = JSON.stringify(view);
  const [shown, setShown] = useState<Shown>();
  const [status, setStatus] = useState<ConnectionStatus>("connecting");
  const current = useRef(key);
  useEffect(() => {
    current.current = key;
    const socket = openSocket(DEPLOYS_NAMESPACE);
    if (socket.connected) show(socket, key);
  }, [key]);
  useEffect(() => {
    const socket = openSocket(DEPLOYS_NAMESPACE);
    socket.on("deploys", (message: unknown) => {
      const parsed = DeploysMessage.safeParse(message);
      if (parsed.success) setShown((before) => next(before, parsed.data));
    });
    return followConnection(socket, {
      onStatus: setStatus,
      onLive: () => show(socket, current.current),
      onRefused: redirectToSignIn,
    });
  }, []);
  const content = useMemo(() => contentFor(view.page, shown?.content), [view.page, shown?.content]);
  return {
    content: shown && isOfPage(shown.view, key) ? content : undefined,
    problem: shown?.view === key ? shown.problem : undefined,
    status,
    demo: shown?.demo ?? false,
    atMs: shown?.atMs,
  };
}

function show(socket: Socket, view: string): void {
  socket.emit("view", JSON.parse(view));
}

/** What was known stays visible when the role does not answer. */
function next(before: Shown | undefined, message: DeploysMessage): Shown {
  const { view, atMs, demo, content, problem } = message;
  const isOutage = problem?.code === "unavailable" && before?.view === view;
  const kept = isOutage ? before.content : content;
  return { view, atMs, demo, content: kept, problem: problem ?? undefined };
}

function contentFor<Name extends PageName>(page: Name, content: unknown): Pages[Name] | undefined {
  const parsed = PAGES[page].safeParse(content);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsed by the schema of this page
  return parsed.success ? (parsed.data as Pages[Name]) : undefined;
}

/** Lists keep their rows until those of another view are there; a deploy is not shown as another one. */
function isOfPage(shown: string, wanted: string): boolean {
  return shown === wanted || !wanted.includes('"id"');
}
