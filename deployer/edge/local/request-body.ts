import type { IncomingMessage } from "node:http";

/** Requests with larger bodies are passed on as they arrive. */
const KEPT_BYTES_MAX = 64 * 1024;

/** `Buffer`: is there completely and can be sent again. `ArrivingBody`: can be read once. */
export type RequestBody = Buffer | ArrivingBody | null;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined ||
  (headers["content-length"] !== undefined && headers["content-length"] !== "0");

/**
 * Reads a small body completely, which also keeps clients that send slowly away from tasks. Calls back once, and never
 * if the client goes away.
 */
export function readBody(request: IncomingMessage, take: (body: RequestBody) => void): void {
  const length = request.headers["content-length"];
  if (length !== undefined && Number(length) > KEPT_BYTES_MAX) {
    take(new ArrivingBody([], request));
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= KEPT_BYTES_MAX) return;
    request.pause();
    done(new ArrivingBody(chunks, request));
  };
  const onEnd = (): void => done(chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks));
  const done = (body: RequestBody): void => {
    request.off("data", onData);
    request.off("end", onEnd);
    take(body);
  };
  request.on("data", onData);
  request.on("end", onEnd);
}

/**
 * A body that the client is sending. A reader that ends before it does not end the request: the client may still be sending
 * when it gets the response.
 */
export class ArrivingBody implements AsyncIterable<Buffer> {
  isRead = false;
  readonly #first: readonly Buffer[];
  readonly #request: IncomingMessage;

  constructor(first: readonly Buffer[], request: IncomingMessage) {
    this.#first = first;
    this.#request = request;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    this.isRead = true;
    try {
      for (const chunk of this.#first) yield chunk;
      yield* this.#request.iterator({ destroyOnReturn: false });
    } finally {
      this.#request.resume();
    }
  }
}
