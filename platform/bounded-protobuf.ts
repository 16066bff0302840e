import protobuf from "protobufjs";

import { AppError } from "./errors.ts";

/** 16 MB of usual messages. */
const FIELDS_MAX = 2_000_000;

/** Unknown fields are skipped, not kept. */
class BoundedReader extends protobuf.BufferReader {
  #fields = 0;

  constructor(bytes: Buffer) {
    super(bytes);
    this.discardUnknown = true;
  }

  override tag(): number {
    this.#fields += 1;
    if (this.#fields > FIELDS_MAX) {
      const message = `The body has more than ${FIELDS_MAX} fields: send fewer events in a request.`;
      throw new AppError("too_large", message);
    }
    return super.tag();
  }
}

/**
 * Decodes a message of a sender in bounded memory: an empty message of two bytes takes hundreds in memory.
 * @throws AppError too_large if it has too many fields, and other errors if it is invalid
 */
export const decodeBounded = (type: protobuf.Type, bytes: Buffer): protobuf.Message =>
  type.decode(new BoundedReader(bytes));
