import type { Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";

import { AppError } from "#platform/errors.ts";

const CONTENT_BYTES_MAX = 256 * 1024 * 1024;

/** The decompressed content. @throws AppError if it is damaged, or larger than 256 MB */
export function gunzipped(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: CONTENT_BYTES_MAX });
  } catch (error) {
    throw refused(error);
  }
}

/** Decompresses while reading. @throws AppError if the input is damaged */
export async function* gunzipStream(input: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  input.once("error", (error) => gunzip.destroy(error));
  try {
    for await (const chunk of input.pipe(gunzip)) yield Buffer.from(chunk);
  } catch (error) {
    throw refused(error);
  }
}

function refused(error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError("bad_request", `the input is no complete gzip file: ${why}`, {
    cause: error,
  });
}
