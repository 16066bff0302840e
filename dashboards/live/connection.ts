"use client";

import { io, type Socket } from "socket.io-client";

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

/** Calls back whenever the connection's state changes; `onLive` on each new connection, to subscribe. */
export function followConnection(
  socket: Socket,
  onStatus: (status: ConnectionStatus) => void,
  onLive: () => void,
): void {
  socket.on("connect", () => {
    onStatus("live");
    onLive();
  });
  socket.on("disconnect", () => onStatus("lost"));
  socket.on("connect_error", () => onStatus("lost"));
}
