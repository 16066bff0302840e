import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, onTestFinished } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { testEventStore } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck it's [a] store-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("the embedded store keeps the contract", () => {
  testEventStore(async () => {
    const path = await folder();
    return () => openEmbeddedStore({ folder: path, clock: systemClock });
  });
});
