import { Client, type Dispatcher, Pool } from "undici";

import { ArrivingBody, type RequestBody } from "./request-body.ts";

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
export type Sent = Omit<Dispatcher.DispatchOptions, "body"> & {
  body: RequestBody;
  mayMeetClosed: boolean;
};

/** The task at an address, with the connections to it and what is open there. */
export class Target {
  /** For requests that are sent again, should their connection be closed just then. */
  readonly #kept: Pool;
  /** For others, each on a new connection. */
  readonly #once: Pool;
  readonly #options: Client.Options;
  readonly sessions = new Set<Session>();
  readonly address: string;

  constructor(address: string, responseMs: number) {
    this.address = address;
    this.#options = {
      pipelining: 1,
      connect: { timeout: CONNECT_MS_MAX },
      headersTimeout: responseMs,
      bodyTimeout: PAUSE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      maxHeaderSize: HEAD_BYTES_MAX,
    };
    const pool = { ...this.#options, connections: CONNECTIONS_MAX };
    this.#kept = new Pool(`http://${address}`, pool);
    this.#once = new Pool(`http://${address}`, pool);
  }

  send({ mayMeetClosed, ...sent }: Sent, handler: Dispatcher.DispatchHandler): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- undici takes iterables too, and its types do not say so
    const request = sent as Dispatcher.DispatchOptions;
    if (mayMeetClosed) this.#kept.dispatch(request, handler);
    else if (request.body instanceof ArrivingBody) this.#sendAlone(request, handler);
    else this.#once.dispatch({ ...request, reset: true }, handler);
  }

  /**
   * On a connection of its own that does not say so: a task that answers before it has the whole body would otherwise close it
   * meanwhile, and its answer would be lost.
   */
  #sendAlone(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const client = new Client(`http://${this.address}`, this.#options);
    client.dispatch(request, handler);
    void client.close().catch(() => undefined);
  }

  /** What is open may end. */
  retire(): void {
    for (const pool of [this.#kept, this.#once]) void pool.close().catch(() => undefined);
  }
}
