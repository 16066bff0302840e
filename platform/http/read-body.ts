import type { IncomingMessage } from "node:http";

import { AppError } from "../errors.ts";
import type { BaseRule } from "./access-control.ts";
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

/** The whole body. @throws AppError too_large */
export async function readBytes(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError("too_large", `The body is larger than ${bytesMax} bytes.`);
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection must stay open after a body that is too large, so that the client receives the response.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The client disconnected: not an error of the server, and the response is never read.
    throw new AppError("bad_request", "The body is incomplete.", { cause: error });
  }
  return Buffer.concat(chunks);
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
