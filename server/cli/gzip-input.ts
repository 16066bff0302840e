import { pipeline, Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";

import { compressionIn } from "#collectors/sources/files/file-kind.ts";
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

/**
 * Decompresses while reading; input that is not compressed is returned as it is. Damage ends it, with a call of `onDamage`
 * after what was decompressed before.
 */
export async function* gunzipStream(
  input: AsyncIterable<Uint8Array>,
  onDamage: (message: string) => void,
): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const all = joined(first.value, chunks);
  if (compressionIn(Buffer.from(first.value), "") !== "gzip") {
    yield* all;
    return;
  }
  const gunzip = createGunzip();
  const decompressed = pipeline(Readable.from(all), gunzip, () => undefined);
  try {
    for await (const chunk of decompressed) yield Buffer.from(chunk);
  } catch (error) {
    onDamage(refused(error).message);
  }
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  yield Buffer.from(first);
  for (let next = await rest.next(); next.done !== true; next = await rest.next())
    yield Buffer.from(next.value);
}

function refused(error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError("bad_request", `the input is no complete gzip file: ${why}`, {
    cause: error,
  });
}
