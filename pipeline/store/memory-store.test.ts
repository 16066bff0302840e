import { describe, expect, test } from "vitest";

import { systemClock as clock } from "#platform/clock.ts";

import { testEventStore } from "./contract.ts";
import { openMemoryStore } from "./memory-store.ts";
import { openStore } from "./open-store.ts";

describe("the store in memory fulfils the contract", () => {
  testEventStore(async () => {
    const open = openMemoryStore();
    return () => Promise.resolve(open());
  });
});

test("a URL for which there is no store is refused with those that there are", async () => {
  const opening = openStore({ url: "no-such://host/x", clock });
  await expect(opening).rejects.toThrow(/no-such:.*file:, memory:/);
});
