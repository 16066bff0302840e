import { expect, test } from "vitest";

import type { Channel } from "./port.ts";

type Ends = AsyncDisposable & { one: Channel<unknown, unknown>; other: Channel<unknown, unknown> };

/** The contract of every transport. */
export function testChannel(open: () => Promise<Ends>): void {
  function inbox(channel: Channel<unknown, unknown>): unknown[] {
    const messages: unknown[] = [];
    channel.onMessage((message) => messages.push(message));
    return messages;
  }

  test("messages arrive once and in order, in both directions", async () => {
    await using ends = await open();
    const [atOne, atOther] = [inbox(ends.one), inbox(ends.other)];
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    for (const n of numbers) {
      ends.one.post({ n });
      ends.other.post([n]);
    }
    await expect.poll(() => atOther.length).toBe(100);
    await expect.poll(() => atOne.length).toBe(100);
    expect(atOther).toEqual(numbers.map((n) => ({ n })));
    expect(atOne).toEqual(numbers.map((n) => [n]));
  });

  test("typed arrays, maps, undefined and large messages arrive unchanged", async () => {
    await using ends = await open();
    inbox(ends.one);
    const large = new Uint32Array(500_000).map((_, i) => i);
    const message = {
      part: large.subarray(3, 7),
      large,
      odd: new Uint8Array([1, 2, 3]),
      map: new Map([["a", undefined]]),
    };
    const messages = inbox(ends.other);
    ends.one.post(message);
    await expect.poll(() => messages.length).toBe(1);
    expect(messages[0]).toEqual(message);
  });

  test("messages wait until a listener is set", async () => {
    await using ends = await open();
    for (let n = 0; n < 3; n += 1) ends.one.post(n);
    const first = inbox(ends.one);
    ends.other.post("answer");
    await expect.poll(() => first).toEqual(["answer"]);
    expect(await arrived(ends.other, 3)).toEqual([0, 1, 2]);
  });

  test("the sender is congested while the receiver does not read, and recovers afterwards", async () => {
    await using ends = await open();
    inbox(ends.one);
    const message = new Uint8Array(200_000);
    let posted = 0;
    while (!ends.one.isCongested) {
      ends.one.post(message);
      posted += 1;
      expect(posted).toBeLessThan(1_000);
    }
    const messages = inbox(ends.other);
    await expect.poll(() => messages.length).toBe(posted);
    await expect.poll(() => ends.one.isCongested).toBe(false);
  });

  test("messages posted before the end arrive, both ends are notified, and later messages are dropped", async () => {
    await using ends = await open();
    inbox(ends.one);
    const messages = inbox(ends.other);
    ends.one.post("last message");
    ends.one.close();
    ends.one.post("too late");
    await Promise.all([ends.one.closed, ends.other.closed]);
    expect(messages).toEqual(["last message"]);
    ends.other.post("to nobody");
    ends.other.close();
  });
}

async function arrived(
  channel: Channel<unknown, unknown>,
  count: number,
): Promise<readonly unknown[]> {
  const messages: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  channel.onMessage((message) => {
    if (messages.push(message) === count) resolve();
  });
  await promise;
  return messages;
}
