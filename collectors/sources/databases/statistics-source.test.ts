import { expect, test } from "vitest";

import type { Chunk, Positions } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";

import { Increases } from "./increases.ts";
import type { Sample, Sampler } from "./sampler.ts";
import { StatisticsSource } from "./statistics-source.ts";

const EVERY_MS = 20;
const START_MS = Date.UTC(2026, 2, 14, 10);

/** Answers with these samples or errors, then with empty samples. */
function samplerOf(answers: (Sample | Error)[]): Sampler {
  return {
    dataset: "test.status",
    product: "Test",
    async sample() {
      const answer = answers.shift() ?? { events: [{ n: -1 }], advice: [] };
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

/** A clock that advances by a quarter of the interval whenever it is asked. */
function tickingClock(): { nowMs(): number } {
  let nowMs = START_MS;
  return { nowMs: () => (nowMs += EVERY_MS / 4) };
}

const sourceOf = (sampler: Sampler): StatisticsSource =>
  new StatisticsSource(
    {
      id: "shop",
      server: { host: "db.example", port: 5432 },
      everyMs: EVERY_MS,
      clock: tickingClock(),
    },
    sampler,
  );

/** The first chunks, read from these positions on. */
async function read(
  source: StatisticsSource,
  count: number,
  positions: Positions = new Map(),
): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const stopping = new AbortController();
  for await (const chunk of source.read(async () => positions, stopping.signal)) {
    chunks.push(chunk);
    if (chunks.length === count) stopping.abort();
  }
  return chunks;
}

const documents = ({ bytes }: Chunk): unknown[] =>
  Buffer.from(bytes)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("the events of a sample have its time and name the server", async () => {
  const sample = { events: [{ n: 1 }, { "data_stream.dataset": "test.other", n: 2 }], advice: [] };
  const source = sourceOf(samplerOf([sample]));
  const [chunk, ...others] = await read(source, 1);
  expect(others).toEqual([]);
  const common = {
    "event.kind": "metric",
    "service.name": "shop",
    "service.address": "db.example:5432",
  };
  expect(chunk && documents(chunk)).toMatchObject([
    { ...common, n: 1, "data_stream.dataset": "test.status" },
    { ...common, n: 2, "data_stream.dataset": "test.other" },
  ]);
  expect(source.status()).toMatchObject([{ path: "Test db.example:5432", level: "info" }]);
});

test("a failed sample is stated with what to do, and the next one is read", async () => {
  const failure = new AppError("unavailable", "db.example:5432: the password is wrong");
  const source = sourceOf(samplerOf([failure, { events: [{ n: 1 }], advice: ["grant less"] }]));
  const stopping = new AbortController();
  const seen: string[] = [];
  const statusOf = (): string =>
    source
      .status()
      .map(({ level, message }) => `${level}: ${message}`)
      .join();
  const reading = source.read(async () => new Map(), stopping.signal);
  const first = reading.next();
  await expect.poll(() => seen.push(statusOf()) && seen.at(-1)).toContain("warning: ");
  await first;
  expect(seen.at(-1)).toContain("grant less");
  stopping.abort();
  await reading.return(undefined);
});

test("after a restart, positions continue and the interval that was stored is not sampled again", async () => {
  const one = await read(sourceOf(samplerOf([])), 2);
  const last = one.at(-1);
  const stored = last ? new Map([[last.sourceId, last.position]]) : new Map();
  const two = await read(sourceOf(samplerOf([])), 1, stored);
  const [next] = two;
  expect(next?.sourceId).toBe(last?.sourceId);
  expect(next?.offset).toBe(last?.position["bytes"]);
  const interval = (chunk: Chunk | undefined): number =>
    Math.floor(Number(chunk?.position["sampledMs"]) / EVERY_MS);
  expect(interval(one[1])).toBeGreaterThan(interval(one[0]));
});

test("increases are those since the sample before, of counters that were in both", () => {
  const increases = new Increases();
  expect(increases.take(new Map([["a", 5]]))).toBeUndefined();
  expect(
    increases.take(
      new Map([
        ["a", 7],
        ["b", 1],
      ]),
    ),
  ).toEqual(new Map([["a", 2]]));
  expect(
    increases.take(
      new Map([
        ["a", 3],
        ["b", 1],
      ]),
    ),
  ).toEqual(
    new Map([
      ["a", 3],
      ["b", 0],
    ]),
  );
  expect(increases.take(new Map([["c", 4]]), 0)).toEqual(new Map([["c", 4]]));
});
