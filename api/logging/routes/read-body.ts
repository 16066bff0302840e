import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import { AppError } from "#platform/errors.ts";
import { readBytes } from "#platform/http/read-body.ts";

const unzip = promisify(gunzip);

/**
 * The body, decompressed if gzipped. Both sizes are limited, so that a small body cannot expand to a huge one.
 * @throws AppError too_large, unsupported_media_type, or bad_request for invalid gzip
 */
export async function readBody(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const encoding = (incoming.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new AppError("unsupported_media_type", "content-encoding: send gzip, or no encoding.");
  }
  const bytes = await readBytes(incoming, bytesMax);
  if (encoding === "identity") return bytes;
  try {
    return await unzip(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ERR_BUFFER_TOO_LARGE") {
      const message = `The body is larger than ${bytesMax} bytes when it is unpacked.`;
      throw new AppError("too_large", message, { cause: error });
    }
    throw new AppError("bad_request", "The body is not valid gzip.", { cause: error });
  }
}

/** The media type without its parameters. */
export const mediaTypeOf = (incoming: IncomingMessage): string =>
  (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";

/** @throws AppError unless the media type is one of these */
export function mediaType(incoming: IncomingMessage, known: readonly string[]): string {
  const type = mediaTypeOf(incoming);
  if (known.includes(type)) return type;
  throw new AppError("unsupported_media_type", `content-type: send ${known.join(" or ")}.`);
}
