import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip, inflate, zstdDecompress } from "node:zlib";

import { AppError } from "../errors.ts";
import { bodyBudget } from "./body-budget.ts";
import { readBytes } from "./read-body.ts";

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Content codings by name. */
const CODINGS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
} satisfies Record<string, Unpack>;
type Coding = keyof typeof CODINGS;

const isCoding = (name: string): name is Coding => Object.hasOwn(CODINGS, name);

/** Unpacked bodies may be large, so only so many are unpacked at a time. */
const UNPACKING_MAX = 4;
const waiting: (() => void)[] = [];
let unpacking = 0;

/**
 * The body, decompressed if it is compressed; as it was sent it is in `memory`, if that is large enough. Both sizes are limited,
 * so that a small body cannot expand to a huge one.
 * @throws AppError too_large, unsupported_media_type, bad_request for invalid compressed data, or unavailable while other
 *   bodies use the memory
 */
export async function readBody(
  incoming: IncomingMessage,
  bytesMax: number,
  { codings, memory }: { codings: readonly Coding[]; memory?: Buffer | undefined } = {
    codings: ["gzip"],
  },
): Promise<Buffer> {
  const named = (incoming.headers["content-encoding"] ?? "").trim().toLowerCase() || "identity";
  const coding = named === "x-gzip" ? "gzip" : named;
  const isKnown = isCoding(coding) && codings.includes(coding);
  if (coding !== "identity" && !isKnown) {
    const known = codings.join(", ");
    throw new AppError(
      "unsupported_media_type",
      `content-encoding: send ${known}, or no encoding.`,
    );
  }
  const bytes = await readBytes(incoming, bytesMax, memory);
  if (!isKnown) return bytes;
  const whole = await unpacked(bytes, coding, bytesMax);
  bodyBudget.add(incoming, whole.length);
  return whole;
}

async function unpacked(bytes: Buffer, coding: Coding, bytesMax: number): Promise<Buffer> {
  if (unpacking >= UNPACKING_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  else unpacking += 1;
  try {
    return await CODINGS[coding](bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ERR_BUFFER_TOO_LARGE") {
      const message = `The body is larger than ${bytesMax} bytes when it is unpacked.`;
      throw new AppError("too_large", message, { cause: error });
    }
    throw new AppError("bad_request", `The body is not valid ${coding}.`, { cause: error });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else unpacking -= 1;
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
