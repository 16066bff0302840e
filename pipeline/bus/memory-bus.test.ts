import { describe, expect, test } from "vitest";

import { testBus } from "./contract.ts";
import { openMemoryBus } from "./memory-bus.ts";
import { openBus } from "./open-bus.ts";

describe("the bus in memory fulfils the contract", () => {
  testBus(async () => {
    const open = openMemoryBus();
    return () => Promise.resolve(open());
  });
});

test("a URL for which there is no bus is refused with those that there are", () => {
  expect(() => openBus({ url: "no-such://host/x" })).toThrow(/no-such:.*file:, memory:/);
});
