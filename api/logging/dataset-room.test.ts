import { expect, test } from "vitest";

import { DATASETS_MAX } from "#pipeline/datasets.ts";
import type { Extent } from "#pipeline/store/port.ts";

import { DatasetRoom } from "./commands/dataset-room.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 12);
const DAY_MS = 86_400_000;
const extent = (dataset: string): Extent => ({ dataset, rows: 1, fromMs: 0, toMs: 0 });

test("datasets that were removed make room for others, also after the clock was set back", async () => {
  let extents = Array.from({ length: DATASETS_MAX }, (_, i) => extent(`old.${i}`));
  const room = new DatasetRoom({ get: async () => ({ extents: async () => extents }) });
  const isAdmitted = async (nowMs: number): Promise<boolean> =>
    (await room.at(nowMs)).admits("new.one");
  expect(await isAdmitted(NOW_MS)).toBe(false);
  extents = extents.slice(1);
  const earlierMs = NOW_MS - 400 * DAY_MS;
  await expect.poll(() => isAdmitted(earlierMs)).toBe(true);
});
