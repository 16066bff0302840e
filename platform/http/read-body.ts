import type { IncomingMessage } from "node:http";

import { AppError } from "../errors.ts";
import type { BaseRule } from "./access-control.ts";
import { bodyBudget } from "./body-budget.ts";
import { checkStrings } from "./invalid-input.ts";
import type { Route as RouteOf } from "./route.ts";

const BODY_BYTES_MAX = 256 * 1024;
/** JSON escapes of characters that PostgreSQL text cannot store: NUL and unpaired surrogates. */
const FORBIDDEN_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

/**
 * The unparsed JSON body of a request.
 * @throws AppError unsupported_media_type, too_large, or bad_request for invalid UTF-8
 */
export async function readBodyText(
  { bodyBytesMax = BODY_BYTES_MAX }: RouteOf<BaseRule>,
  incoming: IncomingMessage,
): Promise<string> {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new AppError(
      "unsupported_media_type",
      "Send JSON with the header content-type: application/json.",
    );
  }
  const encoding = incoming.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    throw new AppError("unsupported_media_type", "Send JSON without content-encoding.");
  }
  const bytes = await readBytes(incoming, bodyBytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AppError("bad_request", "The body is not valid UTF-8.", { cause: error });
  }
}

const NO_MEMORY = Buffer.alloc(0);

/**
 * The whole body, in `memory` if that is given and large enough. It belongs to the budget of all bodies until the response is sent.
 * @throws AppError too_large, or unavailable while others use the memory
 */
export async function readBytes(
  incoming: IncomingMessage,
  bytesMax: number,
  memory: Buffer = NO_MEMORY,
): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError("too_large", `The body is larger than ${bytesMax} bytes.`);
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  bodyBudget.begin(incoming, reject);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const add = (chunk: Buffer): void => {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return reject(tooLarge());
    if (bytes <= memory.length) chunk.copy(memory, bytes - chunk.byteLength);
    else {
      if (chunks.length === 0) chunks.push(memory.subarray(0, bytes - chunk.byteLength));
      chunks.push(chunk);
    }
    try {
      bodyBudget.add(incoming, chunk.byteLength);
    } catch (error) {
      reject(error);
    }
  };
  const end = (): void =>
    resolve(chunks.length === 0 ? memory.subarray(0, bytes) : Buffer.concat(chunks));
  // The client disconnected: not an error of the server, and the response is never read.
  const disconnected = (cause?: Error): void => {
    if (incoming.complete) return;
    reject(new AppError("bad_request", "The body is incomplete.", { cause }));
  };
  incoming.on("data", add).once("end", end).once("error", disconnected);
  incoming.once("close", disconnected);
  try {
    return await promise;
  } finally {
    // What still arrives of a refused body is discarded, so that the client gets to read the response.
    incoming.off("data", add).off("end", end).off("close", disconnected);
    bodyBudget.complete(incoming);
  }
}

/** Parses a JSON body. @throws AppError bad_request, also for text that could not be stored */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (FORBIDDEN_ESCAPE.test(text) || text.includes("\0")) checkStrings(value, "body");
    return value;
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The parser's message quotes the body, which may contain a password.
    const at = error instanceof Error ? /at position \d+/.exec(error.message)?.[0] : undefined;
    throw new AppError("bad_request", `The body is not valid JSON${at ? ` (${at})` : ""}.`);
  }
}
