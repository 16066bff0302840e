import { expect, test } from "vitest";

import { silentLog } from "#platform/log.ts";

import type { FrameDelta } from "../live/live-part.ts";
import type { FromIndexer } from "./messages.ts";
import { LiveSubscriber } from "./subscriber.ts";

const DATASET = "nginx.access";
const NOW_MS = Date.UTC(2026, 2, 14, 10);

const requests = (count: number): FrameDelta => ({
  dataset: DATASET,
  newestEventMs: NOW_MS - 1_000,
  seconds: Uint32Array.of(NOW_MS / 1000 - 1),
  parts: { requests: { numbers: Float64Array.of(count) } },
});

/** A control plane whose store has `stored`, and an indexer whose messages are sent by `send`. */
async function openLink(stored: FrameDelta[] = []) {
  const store = { stored, reads: 0 };
  const subscriber = await LiveSubscriber.open({
    clock: { nowMs: () => NOW_MS },
    log: silentLog(),
    warmUp: async (live) => {
      store.reads += 1;
      for (const delta of store.stored) live.merge(delta);
    },
    onFrames: () => undefined,
    onSealed: () => undefined,
    onRenewed: () => undefined,
  });
  let send = (_message: FromIndexer): void => undefined;
  subscriber.attach({
    post: () => undefined,
    onMessage: (listener) => (send = listener),
    isCongested: false,
    close: () => undefined,
    closed: new Promise(() => undefined),
  });
  const count = (): number =>
    subscriber.live
      .snapshot(DATASET)
      .seconds.reduce((sum, second) => sum + (second["requests"] ?? 0), 0);
  return { store, subscriber, count, send: (message: FromIndexer) => send(message) };
}

const sealed = { type: "sealed", rows: 5, historyRows: 0 } as const;

test.each([
  { sealedBefore: true, earlier: 30 },
  { sealedBefore: false, earlier: 0 },
])(
  "rows that were in the store before their seal was received are counted once after it: $earlier earlier ones",
  async ({ sealedBefore, earlier }) => {
    const { subscriber, count, send } = await openLink([requests(earlier), requests(5)]);
    const unsealed = [requests(5)];
    send({ type: "begin", unsealed, sealed: sealedBefore, framesDropped: 0 });
    await subscriber.settled();
    send(sealed);
    await subscriber.settled();
    expect(count()).toBe(earlier + 5);
  },
);

test("the store is not read again for later seals, although there are always newer rows", async () => {
  const { store, subscriber, count, send } = await openLink();
  send({ type: "begin", unsealed: [requests(5)], sealed: true, framesDropped: 0 });
  await subscriber.settled();
  store.stored.push(requests(5));
  for (let n = 0; n < 4; n += 1) {
    send(sealed);
    send({ type: "frames", deltas: [requests(1)] });
    await subscriber.settled();
    store.stored.push(requests(1));
  }
  expect(store.reads).toBe(3);
  expect(count()).toBe(9);
});
