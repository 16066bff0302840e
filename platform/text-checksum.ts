import { crc32 } from "node:zlib";

import { z } from "zod";

/** The text with its own checksum in front. */
export const withChecksum = (text: string): string =>
  `${crc32(text).toString(16).padStart(8, "0")} ${text}`;

/** The text without its checksum. @throws RangeError if it was changed */
export function withoutChecksum(bytes: Buffer): string {
  const text = bytes.toString("utf8", bytes.indexOf(" ") + 1);
  if (!Buffer.from(withChecksum(text)).equals(bytes)) {
    throw new RangeError("its content does not match its checksum");
  }
  return text;
}

/** JSON with its own checksum as a field, which versions without checksums ignore. */
export const jsonWithChecksum = (value: object): string =>
  JSON.stringify({ ...value, crc32: crc32(JSON.stringify(value)) });

const WithChecksum = z.looseObject({ crc32: z.number() });

/** The value of the JSON, without its checksum. @throws RangeError if it is damaged */
export function valueWithoutChecksum(json: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new RangeError("it is not JSON", { cause });
  }
  const found = WithChecksum.safeParse(value);
  if (!found.success) return value;
  const { crc32: expected, ...rest } = found.data;
  if (crc32(JSON.stringify(rest)) === expected) return rest;
  throw new RangeError("its content does not match its checksum");
}
