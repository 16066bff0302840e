import { AppError } from "../errors.ts";

const OBJECTS_MAX = 1_000_000;
const OPEN_BRACKET = 0x5b;

/**
 * Rejects JSON that would take much more memory than its bytes: with a million lists and objects. Brackets in strings count too.
 * @throws AppError too_large
 */
export function checkObjectCount(bytes: Uint8Array): void {
  if (bytes.length <= OBJECTS_MAX) return;
  let count = 0;
  // { differs from [ in one bit.
  for (const byte of bytes) if ((byte & ~0x20) === OPEN_BRACKET) count += 1;
  if (count <= OBJECTS_MAX) return;
  const message = `The body has more than ${OBJECTS_MAX} lists and objects: send fewer events in a request.`;
  throw new AppError("too_large", message);
}
