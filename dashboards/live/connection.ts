"use client";

import { io, type Socket } from "socket.io-client";

import { onVisibility } from "../client/on-visibility.ts";

export type ConnectionStatus = "connecting" | "live" | "lost";

/** A socket to the control plane; the session cookie says who it is. */
export function openSocket(): Socket {
  return io({
    path: "/socket",
    transports: ["websocket", "polling"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
}

export type ConnectionEvents = {
  /** Called whenever the connection's state changes. */
  onStatus: (status: ConnectionStatus) => void;
  /** On each new connection, to subscribe. */
  onLive: () => void;
  /** The server ended it for good: who asked may not watch any more. */
  onRefused: () => void;
};

/** Follows the connection while the tab can be seen: a hidden one is sent nothing. Returns how to end it. */
export function followConnection(socket: Socket, events: ConnectionEvents): () => void {
  const { onStatus, onLive, onRefused } = events;
  socket.on("connect", () => {
    onStatus("live");
    onLive();
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return onStatus("connecting");
    onStatus("lost");
    if (reason === "io server disconnect") onRefused();
  });
  socket.on("connect_error", () => onStatus("lost"));
  const unwatch = onVisibility((visible) => {
    if (visible) socket.connect();
    else socket.disconnect();
  });
  return () => {
    unwatch();
    socket.off();
    socket.disconnect();
  };
}
