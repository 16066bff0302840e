import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openMemoryBus } from "#pipeline/bus/memory-bus.ts";
import { systemClock } from "#platform/clock.ts";

import { Activity } from "../activity/activity.ts";
import { Packer } from "../packing/packer.ts";
import type { PushToken } from "../tokens/push-token.ts";
import { Delivery } from "./delivery.ts";
import { Identities } from "./identities.ts";
import { EventRates } from "./rate.ts";

const NOW_MS = Date.UTC(2026, 2, 14, 9);
const MINUTE_MS = 60_000;
const TOKEN: PushToken = {
  id: "tok_1",
  name: "shop",
  hash: "",
  datasets: ["*"],
  eventsPerSecond: null,
  createdMs: 0,
};
const timed = { "@timestamp": "2026-03-14T09:00:00Z", message: "paid" };
const untimed = { message: "alive" };

/** A receiver whose processes follow each other on the same bus. */
async function receiverOnBus() {
  const bus = openMemoryBus()();
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck sent again "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const activity = new Activity(systemClock, (text) => text);
  let identities = new Identities();
  return {
    async restart(nowMs: number) {
      identities = new Identities();
      await identities.read(bus, join(folder, "identities"), nowMs);
    },
    async send(documents: readonly object[], { nowMs = NOW_MS, address = "192.0.2.1" } = {}) {
      const body = Buffer.from(JSON.stringify(documents));
      const deps = { bus, activity, identities, rates: new EventRates(), packer: new Packer() };
      const from = { protocol: "http", token: TOKEN, address, nowMs, body };
      const delivery = new Delivery(deps, from);
      for (const it of documents) {
        delivery.addDocument(Buffer.from(JSON.stringify(it)), { ...it }, { stream: "" });
      }
      await delivery.send();
    },
    /** How many documents are on the bus. */
    async kept() {
      let lines = 0;
      for await (const record of bus.recent()) {
        lines += Buffer.from(record.lines).toString().split("\n").length - 1;
      }
      return lines;
    },
  };
}

test("after a restart, a request with times that an earlier process has kept is kept once", async () => {
  const receiver = await receiverOnBus();
  await receiver.send([timed, timed]);
  await receiver.restart(NOW_MS);
  await receiver.send([timed, timed]);
  await receiver.send([timed, timed]);
  expect(await receiver.kept()).toBe(2);
  await receiver.send([timed]);
  await receiver.send([timed, timed], { address: "192.0.2.2" });
  expect(await receiver.kept()).toBe(5);
});

test("ten minutes after the start an equal request is another one", async () => {
  const receiver = await receiverOnBus();
  await receiver.send([timed]);
  await receiver.restart(NOW_MS);
  await receiver.send([timed], { nowMs: NOW_MS + 11 * MINUTE_MS });
  expect(await receiver.kept()).toBe(2);
});

test("while a process runs, an equal request is another one, unless the first is still being written", async () => {
  const receiver = await receiverOnBus();
  await receiver.send([timed]);
  await receiver.send([timed]);
  expect(await receiver.kept()).toBe(2);
  await Promise.all([receiver.send([timed]), receiver.send([timed])]);
  expect(await receiver.kept()).toBe(3);
});

test("requests with an event without a time are different ones", async () => {
  const receiver = await receiverOnBus();
  await receiver.send([timed, untimed]);
  await receiver.restart(NOW_MS);
  await receiver.send([timed, untimed]);
  expect(await receiver.kept()).toBe(4);
});
