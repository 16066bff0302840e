/** Limits for what one client of the live sockets can use. */

/** Above this many characters that wait to be written, a client gets no frames and no events. */
export const WAITING_MAX = 128 * 1024;
/** Above this many it is disconnected, whatever the messages are. */
export const WAITING_ABSOLUTE_MAX = 1024 * 1024;
/** A client that is behind for this long is disconnected. */
export const BEHIND_MS_MAX = 30_000;

/** A page has one socket. */
export const SOCKETS_OF_MEMBER_MAX = 250;
export const SOCKETS_MAX = 2_000;

export const MESSAGE_BYTES_MAX = 10_000;
/** Messages of a client, heartbeats included. */
export const MESSAGES = { burst: 60, refillMs: 250, keysMax: 1 };
