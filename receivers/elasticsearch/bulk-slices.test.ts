import { expect, onTestFinished, test } from "vitest";

import { openMemoryBus } from "#pipeline/bus/memory-bus.ts";
import { systemClock } from "#platform/clock.ts";

import { Activity } from "../activity/activity.ts";
import { Delivery, type DeliveryDeps } from "../delivery/delivery.ts";
import { Identities } from "../delivery/identities.ts";
import { EventRates } from "../delivery/rate.ts";
import { Packer } from "../packing/packer.ts";
import { testReceivers } from "../testing.ts";
import type { PushToken } from "../tokens/push-token.ts";
import { addBulk } from "./bulk.ts";

/** So many that they take several slices. */
const ITEMS = 100_000;
const TOKEN: PushToken = {
  id: "tok_1",
  name: "shop",
  hash: "",
  datasets: ["*"],
  eventsPerSecond: null,
  createdMs: 0,
};

/** A receiver, whose requests come at the same time. */
function receiver() {
  const activity = new Activity(systemClock, (text) => text);
  const deps: DeliveryDeps = {
    bus: openMemoryBus()(),
    activity,
    rates: new EventRates(),
    identities: new Identities(),
    packer: new Packer(),
  };
  return {
    /** The results of the items by their number. */
    async send(text: string): Promise<Record<string, number>> {
      const body = Buffer.from(text);
      const from = { protocol: "elasticsearch", token: TOKEN, address: "", nowMs: 0, body };
      using delivery = new Delivery(deps, from);
      const { packer } = deps;
      const packing = { packer, table: packer.tableOf("tok_1") };
      const results = await addBulk(delivery, { body, indexOfPath: "" }, packing);
      await delivery.send();
      const answer = [...results.text(0, new Set(["_index", "status"]))].join("");
      const items: unknown[] = JSON.parse(answer).items;
      const counts: Record<string, number> = {};
      for (const item of items) {
        const key = JSON.stringify(item);
        counts[key] = (counts[key] ?? 0) + 1;
      }
      return counts;
    },
    /** The number of lines on the bus. */
    async kept() {
      let lines = 0;
      for await (const record of deps.bus.recent()) {
        lines += Buffer.from(record.lines).toString().split("\n").length - 1;
      }
      return lines;
    },
    /** The number of events of each stream. */
    streams: () =>
      Object.fromEntries(activity.streams.map(({ stream, events }) => [stream, events])),
  };
}

const items = (action: (n: number) => object, document: string): string =>
  Array.from(
    { length: ITEMS },
    (_, n) => `${JSON.stringify({ create: action(n) })}\n${document}\n`,
  ).join("");

test("a small request that comes after a large one is answered before it", async () => {
  const { send } = receiver();
  const answered: string[] = [];
  const after = async (name: string, text: string): Promise<void> => {
    await send(text);
    answered.push(name);
  };
  await Promise.all([
    after(
      "large",
      items((n) => ({ _index: "i", _id: String(n) }), '{"a":1}'),
    ),
    after("small", '{"create":{"_index":"i"}}\n{"a":1}\n'),
  ]);
  expect(answered).toEqual(["small", "large"]);
});

test("a long answer has the result of each item in their order", async () => {
  const receivers = await testReceivers();
  onTestFinished(() => receivers[Symbol.asyncDispose]());
  const statuses = Array.from({ length: 20_000 }, (_, n) => (n % 7 === 0 ? 400 : 201));
  const body = statuses
    .map((status) => `{"create":{}}\n${status === 400 ? "[]" : '{"a":1}'}\n`)
    .join("");
  const headers = { "content-type": "application/x-ndjson" };
  const { json } = await receivers.send("POST", "/x/_bulk", { body, headers });
  expect(json).toMatchObject({
    errors: true,
    items: statuses.map((status) => ({ create: { _index: "x", status } })),
  });
});

test("requests of one shipper that are handled at the same time keep their own indices", async () => {
  const { send, streams } = receiver();
  const document = JSON.stringify({ service: { name: "web" }, message: "a", host: { name: "b" } });
  const indices = ["logs-one-a", "logs-two-a", "logs-three-a"];
  const answers = await Promise.all(
    indices.map((_index) => send(items(() => ({ _index }), document))),
  );
  for (const [n, _index] of indices.entries()) {
    expect(answers[n]).toEqual({ [JSON.stringify({ create: { _index, status: 201 } })]: ITEMS });
    expect(Object.values(streams())[n]).toBe(ITEMS);
  }
});

test("a document that is sent again while the first request is handled is kept once, also if that one fails", async () => {
  const { send, kept } = receiver();
  const body = items((n) => ({ _index: "i", _id: String(n) }), '{"a":1}');
  const malformed = send(`${body}{"created":{}}\n`);
  const repeated = send(body);
  await expect(malformed).rejects.toMatchObject({ code: "bad_request" });
  await expect(repeated).rejects.toMatchObject({ code: "unavailable" });
  const [first, second] = await Promise.all([send(body), send(body)]);
  const conflicts = (answer: Record<string, number>): number =>
    answer[JSON.stringify({ create: { _index: "i", status: 409 } })] ?? 0;
  expect(conflicts(first) + conflicts(second)).toBeGreaterThanOrEqual(ITEMS);
  expect(await kept()).toBe(ITEMS);
});

test("a request with events of too many streams is refused with what to do", async () => {
  const { send } = receiver();
  await expect(send(items((n) => ({ _index: `i${n}` }), '{"a":1}'))).rejects.toMatchObject({
    code: "too_large",
    message: expect.stringContaining("send them in several requests"),
  });
});
