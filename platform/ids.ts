import { randomBytes } from "node:crypto";

const BYTES = 12;

/** A new random id that is unique and cannot be guessed: `mem_4f1c…`. */
export function newId<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` {
  return `${prefix}_${randomBytes(BYTES).toString("hex")}`;
}
