import { type Dispatcher, Pool } from "undici";

/** Beyond it, requests wait for a connection. */
const CONNECTIONS_MAX = 256;
/** Tasks are near: whoever takes longer is overloaded or gone. */
const CONNECT_MS_MAX = 300;
/** Shorter than any server keeps idle connections, so that they are not closed just when they are used. */
const IDLE_MS_MAX = 4_000;
const HEAD_BYTES_MAX = 64 * 1024;
/** Between two parts of a response. */
const PAUSE_MS_MAX = 5 * 60_000;

/** Something open at a task: a request with its response, or a tunnel. */
export type Session = { close(): void };

/** `mayMeetClosed`: whether it may use a kept connection, which the task may be closing. */
export type Sent = Dispatcher.DispatchOptions & { mayMeetClosed: boolean };

/** The task at an address, with the connections to it and what is open there. */
export class Target {
  /** For requests that are sent again, should their connection be closed just then. */
  readonly #kept: Pool;
  /** For others, each on a new connection. */
  readonly #once: Pool;
  readonly sessions = new Set<Session>();
  readonly address: string;

  constructor(address: string, responseMs: number) {
    this.address = address;
    const options = {
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      connect: { timeout: CONNECT_MS_MAX },
      headersTimeout: responseMs,
      bodyTimeout: PAUSE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      maxHeaderSize: HEAD_BYTES_MAX,
    };
    this.#kept = new Pool(`http://${address}`, options);
    this.#once = new Pool(`http://${address}`, options);
  }

  send(request: Sent, handler: Dispatcher.DispatchHandler): void {
    if (request.mayMeetClosed) this.#kept.dispatch(request, handler);
    else this.#once.dispatch({ ...request, reset: true }, handler);
  }

  /** What is open may end. */
  retire(): void {
    for (const pool of [this.#kept, this.#once]) void pool.close().catch(() => undefined);
  }
}
