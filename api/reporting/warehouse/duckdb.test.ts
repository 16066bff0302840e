import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { FactName } from "../domain/facts.ts";
import { duckdbWarehouse } from "../repositories/duckdb-warehouse.ts";
import { LakeDuck } from "../repositories/lake-duck.ts";
import { writeFacts } from "../repositories/lake-store.ts";
import { testWarehouse } from "./contract.ts";
import type { LakeFile } from "./port.ts";

testWarehouse(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-lake-"));
  const duck = await LakeDuck.open(folder);
  const files = new Map<FactName, (LakeFile & { day: string })[]>();
  const warehouse = duckdbWarehouse({
    duck,
    files: (fact) => Promise.resolve(files.get(fact) ?? []),
  });
  return {
    warehouse,
    async put(batch, times = 1) {
      const file = await writeFacts(duck, batch);
      const before = files.get(batch.fact) ?? [];
      const kept =
        batch.fact === "requests" ? before.filter(({ day }) => day !== batch.day) : before;
      files.set(batch.fact, [...kept, file]);
      for (let i = 0; i < times; i += 1) await warehouse.load(batch.fact, [file]);
    },
    async [Symbol.asyncDispose]() {
      await warehouse.close();
      await duck.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
