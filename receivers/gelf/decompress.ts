import { gunzipSync, inflateSync } from "node:zlib";

const GZIP = 0x1f8b;
/** The first byte of zlib's format with deflate and a window of 32 KiB or less. */
const ZLIB_METHOD = 8;

/**
 * A GELF message without its compression (gzip or zlib, by its first bytes).
 * @throws Error of zlib if it is damaged, or larger than the limit
 */
export function decompressed(message: Buffer, bytesMax: number): Buffer {
  if (message.length < 2) return message;
  const options = { maxOutputLength: bytesMax };
  const head = message.readUInt16BE(0);
  if (head === GZIP) return gunzipSync(message, options);
  const isZlib = ((head >> 8) & 0x0f) === ZLIB_METHOD && head >> 12 <= 7 && head % 31 === 0;
  return isZlib ? inflateSync(message, options) : message;
}
