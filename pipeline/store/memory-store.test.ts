import { describe } from "vitest";

import { testEventStore } from "./contract.ts";
import { openMemoryStore } from "./memory-store.ts";

describe("the store in memory fulfils the contract", () => {
  testEventStore(async () => {
    const open = openMemoryStore();
    return () => Promise.resolve(open());
  });
});
