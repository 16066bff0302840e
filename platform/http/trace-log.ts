import type { Log } from "../log.ts";

type Fields = Parameters<Log["info"]>[1];

/** A log that adds the trace id of a request to its lines. Cheap to construct, because each request gets one. */
export class TraceLog implements Log {
  readonly #log: Log;
  readonly #traceId: string;

  constructor(log: Log, traceId: string) {
    this.#log = log;
    this.#traceId = traceId;
  }

  debug(message: string, fields?: Fields): void {
    this.#log.debug(message, { "trace.id": this.#traceId, ...fields });
  }

  info(message: string, fields?: Fields): void {
    this.#log.info(message, { "trace.id": this.#traceId, ...fields });
  }

  warn(message: string, fields?: Fields): void {
    this.#log.warn(message, { "trace.id": this.#traceId, ...fields });
  }

  error(message: string, fields?: Fields): void {
    this.#log.error(message, { "trace.id": this.#traceId, ...fields });
  }

  child(fields: NonNullable<Fields>): Log {
    return this.#log.child({ "trace.id": this.#traceId, ...fields });
  }

  close(): void {
    this.#log.close();
  }
}
