import { expect, test } from "vitest";

import { placeOfSession } from "./lane.ts";

test.each([
  ["", 0x02cc5d05],
  ["a", 0x550d7456],
  ["abc", 0x32d153ff],
  ["Nobody inspects the spammish repetition", 0xe2293b2f],
])("the place of %j is that of its XXH32", (session, hash) => {
  expect(placeOfSession(session)).toBe(hash % 10_000);
});
