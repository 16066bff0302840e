import { Pool } from "undici";

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

/** The task at an address, with the connections to it and what is open there. */
export class Target {
  readonly origin: string;
  readonly pool: Pool;
  readonly sessions = new Set<Session>();
  readonly address: string;

  constructor(address: string, responseMs: number) {
    this.address = address;
    this.origin = `http://${address}`;
    this.pool = new Pool(this.origin, {
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      connect: { timeout: CONNECT_MS_MAX },
      headersTimeout: responseMs,
      bodyTimeout: PAUSE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      maxHeaderSize: HEAD_BYTES_MAX,
    });
  }

  /** What is open may end. */
  retire(): void {
    void this.pool.close().catch(() => undefined);
  }
}
