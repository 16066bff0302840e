import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Requests with larger bodies are passed on as they arrive, and never sent again. */
const KEPT_BYTES_MAX = 64 * 1024;

/** `Buffer`: is there completely and can be sent again. */
export type RequestBody = Buffer | Readable | null;

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
    take(request);
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= KEPT_BYTES_MAX) return;
    request.pause();
    done(Readable.from(continued(chunks, request)));
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

async function* continued(
  chunks: readonly Buffer[],
  request: IncomingMessage,
): AsyncIterable<Buffer> {
  yield* chunks;
  yield* request;
}
