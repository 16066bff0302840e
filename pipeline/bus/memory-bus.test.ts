import { describe } from "vitest";

import { testBus } from "./contract.ts";
import { openMemoryBus } from "./memory-bus.ts";

describe("the bus in memory fulfils the contract", () => {
  testBus(async () => {
    const open = openMemoryBus();
    return () => Promise.resolve(open());
  });
});
