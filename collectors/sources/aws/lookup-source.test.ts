import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import type { Position, SourceId } from "#collectors/source.ts";

import { cloudTrailApi, type CloudTrailApi } from "./cloudtrail-api.ts";
import { LookupSource } from "./lookup-source.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 12);
const SECOND_MS = 1_000;

/** `listedMs`: from when on CloudTrail lists it. */
type Event = { id: number; atMs: number; listedMs?: number };

/** Answers LookupEvents as AWS does: the latest first, both ends inclusive, 50 at a time. */
class EventHistory {
  /** The next requests are refused with this status. */
  refusals = 0;
  nowMs = NOW_MS;
  /** Tokens of the next pages expire after so many requests. */
  tokenRequests = Infinity;
  /** Characters of each record. */
  recordLength = 10;
  readonly #events: readonly Event[];

  constructor(events: readonly Event[]) {
    this.#events = events.toSorted((a, b) => b.atMs - a.atMs);
  }

  async start(): Promise<CloudTrailApi> {
    const server = createServer((incoming, response) => {
      const send = async (): Promise<void> => {
        const { status, body } = await this.#answer(incoming);
        response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify(body));
      };
      void send();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const client = new CloudTrailClient({
      region: "eu-west-1",
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      maxAttempts: 1,
    });
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    return cloudTrailApi(client);
  }

  async #answer(incoming: IncomingMessage): Promise<{ status: number; body: unknown }> {
    expect(String(incoming.headers["x-amz-target"])).toMatch(/\.LookupEvents$/);
    this.refusals -= 1;
    if (this.refusals >= 0) {
      return { status: 400, body: { __type: "ThrottlingException", message: "Rate exceeded" } };
    }
    const { StartTime, EndTime, NextToken = "0" } = JSON.parse(await text(incoming));
    if (NextToken !== "0") this.tokenRequests -= 1;
    if (this.tokenRequests < 0) {
      this.tokenRequests = Infinity;
      return { status: 400, body: { __type: "InvalidNextTokenException", message: "expired" } };
    }
    const found = this.#events.filter(
      ({ atMs, listedMs = 0 }) =>
        atMs >= StartTime * SECOND_MS && atMs <= EndTime * SECOND_MS && listedMs <= this.nowMs,
    );
    const from = Number(NextToken);
    const Events = found.slice(from, from + 50).map(({ id, atMs }) => ({
      EventId: `${id}`,
      EventTime: atMs / SECOND_MS,
      CloudTrailEvent: JSON.stringify({ id, pad: "x".repeat(this.recordLength) }),
    }));
    const rest = found.length > from + 50 ? { NextToken: `${from + 50}` } : {};
    return { status: 200, body: { Events, ...rest } };
  }
}

type Stored = { positions: Map<SourceId, Position>; ids: number[] };

/** Reads and stores until everything that is listed was read, or so many chunks were. Returns when it requested. */
async function read(
  api: CloudTrailApi,
  stored: Stored,
  { chunksMax = Infinity, requestEveryMs = 0, nowMs = NOW_MS } = {},
): Promise<number[]> {
  const fromMs = NOW_MS - 4 * 3_600_000;
  const requestMs: number[] = [];
  const options = { region: "eu-west-1", fromMs, clock: { nowMs: () => nowMs } };
  const stop = new AbortController();
  // Otherwise it waits for later events.
  let lastEndMs = Number([...stored.positions.values()][0]?.["to"] ?? 0);
  const watched: CloudTrailApi = {
    ...api,
    lookup: async (range, signal) => {
      requestMs.push(performance.now());
      const page = await api.lookup(range, signal);
      lastEndMs = page.next === undefined ? range.toMs : 0;
      return page;
    },
  };
  const source = new LookupSource(options, watched, requestEveryMs);
  const isAll = (): boolean => lastEndMs >= nowMs - 15 * 60_000 - SECOND_MS;
  const watching = setInterval(() => isAll() && stop.abort(), 10);
  let chunks = 0;
  try {
    for await (const chunk of source.read(async () => stored.positions, stop.signal)) {
      if (chunks >= chunksMax) break;
      chunks += 1;
      const lines = Buffer.from(chunk.bytes).toString().trim().split("\n");
      stored.ids.push(...lines.map((line) => Number(JSON.parse(line).id)));
      stored.positions.set(chunk.sourceId, chunk.position);
    }
  } finally {
    clearInterval(watching);
  }
  return requestMs;
}

const eventsOver = (count: number, everyMs: number): Event[] =>
  Array.from({ length: count }, (_, id) => ({
    id,
    atMs: NOW_MS - 3 * 3_600_000 + Math.floor((id * everyMs) / SECOND_MS) * SECOND_MS,
  }));

test("events are read once, the earliest first, as far as all are certainly listed", async () => {
  const history = new EventHistory([
    ...eventsOver(120, 30_000),
    { id: 1_000, atMs: NOW_MS - 60_000 },
  ]);
  const stored: Stored = { positions: new Map(), ids: [] };
  const api = await history.start();
  await read(api, stored, { chunksMax: 1 });
  await read(api, stored);
  await read(api, stored);
  expect(stored.ids).toEqual(Array.from({ length: 120 }, (_, id) => id));
});

test("a time with too many events is read in smaller parts", async () => {
  const history = new EventHistory(eventsOver(400, 1_000));
  history.recordLength = 60_000;
  const stored: Stored = { positions: new Map(), ids: [] };
  await read(await history.start(), stored);
  expect(stored.ids).toEqual(Array.from({ length: 400 }, (_, id) => id));
  expect(stored.positions.size).toBe(1);
});

test("requests keep their distance, and a throttled one fails with the reason", async () => {
  const history = new EventHistory(eventsOver(300, 1_000));
  const api = await history.start();
  const requestMs = await read(api, { positions: new Map(), ids: [] }, { requestEveryMs: 40 });
  const distances = requestMs.slice(1).map((ms, n) => ms - (requestMs[n] ?? 0));
  // Timers may end a little early.
  expect(Math.min(...distances)).toBeGreaterThan(35);
  history.refusals = 1;
  const reading = read(api, { positions: new Map(), ids: [] });
  await expect(reading).rejects.toThrow(/ThrottlingException: Rate exceeded/);
});

test("a token that expires fails with the reason, and the next run has every event once", async () => {
  const history = new EventHistory(eventsOver(300, 1_000));
  history.tokenRequests = 2;
  const api = await history.start();
  const stored: Stored = { positions: new Map(), ids: [] };
  await expect(read(api, stored)).rejects.toThrow(/InvalidNextTokenException/);
  await read(api, stored);
  expect(stored.ids).toEqual(Array.from({ length: 300 }, (_, id) => id));
});

test("events of the same second that are listed up to a quarter of an hour late are read once", async () => {
  const atMs = NOW_MS - 60_000;
  const events = Array.from({ length: 60 }, (_, id) => ({
    id,
    atMs,
    listedMs: atMs + id * 14_000,
  }));
  const history = new EventHistory(events);
  const api = await history.start();
  const stored: Stored = { positions: new Map(), ids: [] };
  for (let minute = 0; minute <= 20; minute += 1) {
    history.nowMs = NOW_MS + minute * 60_000;
    await read(api, stored, { nowMs: history.nowMs });
  }
  expect(stored.ids.toSorted((a, b) => a - b)).toEqual(events.map(({ id }) => id));
});

test("no event is lost or repeated, wherever reading is interrupted", async () => {
  const event = fc.nat(600);
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 200 }),
      fc.array(fc.nat(3)),
      async (at, stops) => {
        const events = at.map((second, id) => ({ id, atMs: NOW_MS - 7_200_000 + second * 10_000 }));
        const api = await new EventHistory(events).start();
        const stored: Stored = { positions: new Map(), ids: [] };
        for (const chunksMax of stops.slice(0, 3)) await read(api, stored, { chunksMax });
        await read(api, stored);
        expect(stored.ids.toSorted((a, b) => a - b)).toEqual(events.map(({ id }) => id));
      },
    ),
    { numRuns: 8 },
  );
});
