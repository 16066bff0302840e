import type { Listener } from "#collectors/sources/listeners/listener.ts";

/** A listener whose socket is held: all but those over HTTP, whose clients send again. */
export type HeldListener = Exclude<Listener, { protocol: "journal+http" }>;

export const isHeld = (listener: Listener): listener is HeldListener =>
  listener.protocol !== "journal+http";
