import { expect, test } from "vitest";

import { storeWithTimes } from "#pipeline/metrics/testing-times.ts";

import { surroundingsOf } from "./surroundings.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 10);

async function around(times: readonly number[], offset: number): Promise<[number[], number[]]> {
  await using store = await storeWithTimes({ "nginx.access": times });
  const found = await surroundingsOf(store, `src_test:${offset}`);
  const offsets = (events: { fields: Record<string, unknown> }[] = []): number[] =>
    events.map(({ fields }) => Number(fields["log.offset"]));
  return [offsets(found?.after), offsets(found?.before)];
}

const upTo = (first: number, last: number): number[] =>
  Array.from({ length: first - last + 1 }, (_, i) => first - i);

test("the ten events before and after an event are the nearest ones", async () => {
  const times = Array.from({ length: 100 }, (_, n) => NOW_MS + n * 7_000);
  expect(await around(times, 50)).toEqual([upTo(60, 51), upTo(49, 40)]);
  expect(await around(times, 98)).toEqual([[99], upTo(97, 88)]);
  expect(await around(times, 0)).toEqual([upTo(10, 1), []]);
});

test("events of the same time are in the order of the log", async () => {
  const times = Array.from({ length: 60 }, () => NOW_MS);
  expect(await around(times, 30)).toEqual([upTo(40, 31), upTo(29, 20)]);
});

test("an event that is alone has no surroundings, and an unknown one is not found", async () => {
  expect(await around([NOW_MS], 0)).toEqual([[], []]);
  await using store = await storeWithTimes({ "nginx.access": [NOW_MS] });
  expect(await surroundingsOf(store, "src_test:9")).toBeUndefined();
});
