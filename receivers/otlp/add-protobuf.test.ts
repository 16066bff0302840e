import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { BusRecord } from "#pipeline/bus/port.ts";
import { documentsOf } from "#pipeline/otlp/documents.ts";
import { PROTOBUF_TYPE, readExportRequest } from "#pipeline/otlp/exchange.ts";
import { encodeRequest } from "#pipeline/otlp/messages.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { Activity } from "../activity/activity.ts";
import { Delivery } from "../delivery/delivery.ts";
import { Identities } from "../delivery/identities.ts";
import { EventRates } from "../delivery/rate.ts";
import { Packer } from "../packing/packer.ts";
import { addProtobuf } from "./add-protobuf.ts";
import { AddedRecords } from "./added-records.ts";
import { exported } from "./testing-exporter.ts";

const NOW_MS = systemClock.nowMs();
const by =
  <T>(keyOf: (item: T) => string) =>
  (a: T, b: T): number =>
    keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b));
const NONE = async function* (): AsyncGenerator<BusRecord> {};

type Add = (records: AddedRecords, body: Buffer) => void | Promise<void>;

/** Decodes the whole request. */
const addDecoded: Add = (records, body) => {
  for (const it of documentsOf(readExportRequest(body, PROTOBUF_TYPE))) records.add(it);
};

/** What remembers earlier requests. */
const newReceiver = () => ({
  packer: new Packer(),
  identities: new Identities(),
  rates: new EventRates(),
});

class CountingDelivery extends Delivery {
  decoded = 0;

  override addDocument(...given: Parameters<Delivery["addDocument"]>) {
    this.decoded += 1;
    return super.addDocument(...given);
  }
}

/** What a request leaves on the bus, and its answer. `decoded`: the number of documents that were decoded. */
async function sent(
  add: Add,
  body: Buffer,
  {
    receiver = newReceiver(),
    datasets = ["*"],
  }: { receiver?: ReturnType<typeof newReceiver>; datasets?: string[] } = {},
) {
  const records: { header: BusRecord["header"]; lines: string }[] = [];
  const token = {
    id: "tok_1",
    name: "shop",
    hash: "",
    datasets,
    eventsPerSecond: null,
    createdMs: 0,
  };
  const deps = {
    bus: {
      append: async (...added: readonly BusRecord[]) =>
        void records.push(
          ...added.map((it) => ({ ...it, lines: Buffer.from(it.lines).toString() })),
        ),
      check: async () => undefined,
      recent: NONE,
    },
    activity: new Activity(systemClock, (text) => text),
    ...receiver,
  };
  const delivery = new CountingDelivery(deps, {
    protocol: "otlp",
    token,
    address: "",
    nowMs: NOW_MS,
    body,
  });
  const added = new AddedRecords(delivery);
  try {
    await add(added, body);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { refusal: `${error.code} ${error.message}`, decoded: 0, events: 0 };
  }
  await delivery.send();
  const streams = deps.activity.streams.map((it) => ({ ...it, firstMs: 0, lastMs: 0 }));
  const events = streams.reduce((sum, it) => sum + it.events, 0);
  return {
    // Those of a stream keep their order.
    records: records.toSorted(by((it) => JSON.stringify([it.header.stream, it.header.dataset]))),
    streams: streams.toSorted(by((it) => it.stream)),
    refused: added.refused,
    events,
    decoded: delivery.decoded,
  };
}

test(
  "documents and answers are those of the decoded request, whatever it contains",
  { timeout: 120_000 },
  async () => {
    const [receiver, other] = [newReceiver(), newReceiver()];
    let undecoded = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        exported,
        fc.constantFrom<string[]>(["*"], ["shop.*", "otlp"], ["nginx.access"]),
        async (body, datasets) => {
          const { decoded, ...own } = await sent(addProtobuf, body, { receiver, datasets });
          const asDecoded = await sent(addDecoded, body, { receiver: other, datasets });
          const { decoded: _, ...expected } = asDecoded;
          expect(own).toEqual(expected);
          undecoded += own.events - Math.min(decoded, own.events);
          if ("refusal" in own) refused += 1;
        },
      ),
      { numRuns: 250, endOnFailure: true },
    );

    expect(undecoded).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(10);
  },
);

const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });

test("records of a shipper are not decoded, whatever else they have in common", async () => {
  const logRecords = Array.from({ length: 2_000 }, (_, n) => ({
    timeUnixNano: `${1_773_482_400_000_000_000n + BigInt(n) * 1_000_001n}`,
    severityNumber: n % 25,
    severityText: ["", "INFO", "Warning"][n % 3],
    eventName: n % 7 === 0 ? "paid" : "",
    body: { stringValue: `order "${n}"\n${"naïve".repeat(n % 5)}` },
    attributes: [attribute("log.file.path", `/srv/${n % 3}.log`)],
    traceId: Buffer.alloc(16, n % 256),
  }));
  const resource = { attributes: [attribute("service.name", "shop")] };
  const body = Buffer.from(
    encodeRequest({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }),
  );
  const { decoded, ...own } = await sent(addProtobuf, body);
  const { decoded: all, ...expected } = await sent(addDecoded, body);
  expect(own).toEqual(expected);
  expect([decoded, all]).toEqual([0, 2_000]);
});

test("a request whose documents would take gigabytes is refused", async () => {
  const logRecords = Array.from({ length: 200 }, () => ({
    timeUnixNano: "1773482400000000000",
    body: { stringValue: "x" },
  }));
  const resource = { attributes: [attribute("big", "x".repeat(1_000_000))] };
  const body = Buffer.from(
    encodeRequest({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }),
  );
  for (const add of [addProtobuf, addDecoded]) {
    expect(await sent(add, body)).toMatchObject({
      refusal: expect.stringMatching(/^too_large .* bytes of events/),
    });
  }
});
