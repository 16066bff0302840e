import { randomBytes } from "node:crypto";

const BYTES = 12;

/** A new id that nobody can guess or meet twice: `mem_4f1c…`. */
export function newId<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` {
  return `${prefix}_${randomBytes(BYTES).toString("hex")}`;
}
