"use client";

import { Manager, type Socket } from "socket.io-client";

import { onVisibility } from "../client/on-visibility.ts";
import { hasSessionEnded } from "../client/session-end.ts";

export type ConnectionStatus = "connecting" | "live" | "lost";

let manager: Manager | undefined;

/**
 * A socket to the control plane, authenticated by the session cookie. All sockets of a page share one connection, and
 * those of the same namespace are one socket, which only one user at a time may have.
 */
export function openSocket(namespace = "/"): Socket {
  manager ??= new Manager({
    path: "/socket",
    transports: ["websocket", "polling"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  return manager.socket(namespace);
}

export type ConnectionEvents = {
  /** Called whenever the connection's state changes. */
  onStatus: (status: ConnectionStatus) => void;
  /** Called on each new connection, to subscribe. */
  onLive: () => void;
  /** Called when the server closed the connection because the member has lost the permission. */
  onRefused: () => void;
};

/** Keeps the connection while the tab is visible; a hidden tab receives nothing. Returns a function that ends it. */
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
  socket.on("connect_error", () => {
    onStatus("lost");
    // A session may end while the tab is hidden; the error does not contain the reason.
    void hasSessionEnded().then((hasEnded) => hasEnded && onRefused());
  });
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
