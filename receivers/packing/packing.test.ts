import * as fc from "fast-check";
import { expect, test } from "vitest";

import { unpackedLines } from "#collectors/packed/packed-documents.ts";
import type { Chunk, RecordHeader } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { openMemoryStore } from "#pipeline/store/memory-store.ts";
import { systemClock } from "#platform/clock.ts";

import { Activity } from "../activity/activity.ts";
import { Delivery } from "../delivery/delivery.ts";
import { Identities } from "../delivery/identities.ts";
import { EventRates } from "../delivery/rate.ts";
import { addBulk } from "../elasticsearch/bulk.ts";
import type { PushToken } from "../tokens/push-token.ts";
import { packLines } from "./pack-lines.ts";
import { Packer } from "./packer.ts";
import { shipped } from "./testing-shipper.ts";

const ACTION = '{"create":{"_index":"filebeat-8.15.0"}}\n';
const STATUS = new Set(["status", "error", "result"]);
const NOW_MS = systemClock.nowMs();
/** Fields that say where an event was read. */
const PLACE = new Set(["log.offset", "event.id"]);
const NONE = async function* (): AsyncGenerator<BusRecord> {};

/** What bulk requests of a shipper leave on the bus, and their answers. */
async function sent(packer: Packer, bodies: readonly string[], datasets = ["*"]) {
  const records: BusRecord[] = [];
  const token: PushToken = {
    id: "tok_1",
    name: "shop",
    hash: "",
    datasets,
    eventsPerSecond: null,
    createdMs: 0,
  };
  const deps = {
    bus: {
      append: async (...added: readonly BusRecord[]) => void records.push(...added),
      check: async () => undefined,
      recent: NONE,
    },
    activity: new Activity(systemClock, (text) => text),
    rates: new EventRates(),
    identities: new Identities(),
    packer,
  };
  const answers: string[] = [];
  for (const body of bodies) {
    const given = { body: Buffer.from(body), indexOfPath: "" };
    const delivery = new Delivery(deps, {
      protocol: "elasticsearch",
      token,
      address: "",
      nowMs: NOW_MS,
      body: given.body,
    });
    const results = await addBulk(delivery, given, { packer, table: packer.tableOf("tok_1") });
    await delivery.send();
    answers.push(
      ...(JSON.parse([...results.text(0, STATUS)].join("")).items as unknown[]).map((it) =>
        JSON.stringify(it),
      ),
    );
  }
  return { records, answers, streams: deps.activity.streams };
}

/** The documents of a record, each with its line end. */
function textsOf({ header, lines }: BusRecord): string[] {
  const bytes = Buffer.from(lines);
  if (header.packed) return [...unpackedLines(header.packed, bytes)].map(String);
  return bytes.toString().split(/(?<=\n)/);
}

const withoutPacked = (header: RecordHeader): RecordHeader =>
  JSON.parse(JSON.stringify({ ...header, packed: undefined }));

/** The documents of each stream and dataset. */
function documentsOf(records: readonly BusRecord[]): Record<string, string[]> {
  const byHeader: Record<string, string[]> = {};
  for (const { header, lines } of records) {
    const key = JSON.stringify({ ...withoutPacked(header), request: undefined });
    const documents = textsOf({ header, lines });
    byHeader[key] = [...(byHeader[key] ?? []), ...documents];
  }
  for (const documents of Object.values(byHeader)) documents.sort();
  return byHeader;
}

const packedCount = (records: readonly BusRecord[]): number =>
  records
    .filter(({ header }) => header.packed)
    .reduce((sum, record) => sum + textsOf(record).length, 0);

test(
  "packed documents and their answers are those of documents that are sent one by one",
  { timeout: 60_000 },
  async () => {
    const packer = new Packer();
    let packed = 0;
    await fc.assert(
      fc.asyncProperty(
        shipped(60),
        fc.constantFrom<string[]>(["*"], ["shop.*", "filebeat"], ["nginx.access"]),
        async (documents, datasets) => {
          const items = documents.map((text) => `${ACTION}${text}\n`);
          const together = await sent(packer, [items.join("")], datasets);
          // A document that is alone is never packed.
          const alone = await sent(new Packer(), items, datasets);
          packed += packedCount(together.records);
          expect(packedCount(alone.records)).toBe(0);
          expect(together.answers).toEqual(alone.answers);
          expect(documentsOf(together.records)).toEqual(documentsOf(alone.records));
          const counts = ({ streams }: typeof alone): unknown =>
            streams
              .map(
                ({ stream, events, bytes, refused }) => `${stream} ${events} ${bytes} ${refused}`,
              )
              .toSorted();
          expect(counts(together)).toEqual(counts(alone));
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
    expect(packed).toBeGreaterThan(1_000);
  },
);

test("documents of more forms than are remembered are kept", async () => {
  const packer = new Packer();
  const documents = Array.from({ length: 3_000 }, (_, n) =>
    JSON.stringify({
      "@timestamp": "2026-03-14T10:00:00Z",
      message: `line ${n}`,
      host: { name: `web-${n % 50}` },
      file: `/srv/${n % 70}.log`,
    }),
  );
  const { records } = await sent(packer, [documents.map((text) => `${ACTION}${text}\n`).join("")]);
  expect(
    Object.values(documentsOf(records))
      .flat()
      .map((text) => text.trim())
      .toSorted(),
  ).toEqual(documents.toSorted());
});

/** The events of documents: `parts` of packed ones. */
async function eventsOf(chunks: readonly { header: RecordHeader; lines: Uint8Array }[]) {
  const store = openMemoryStore()();
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  let offset = 0;
  for (const { header, lines } of chunks) {
    const chunk: Chunk = {
      sourceId: "src_test",
      path: "",
      bytes: Buffer.from(lines),
      offset,
      position: { offset: offset + lines.length },
      bytesSkipped: 0,
      header,
    };
    offset += lines.length;
    // Each run stores its rows, so that the module of plain lines can be opened for the next one.
    await ingest.run(
      {
        async *read() {
          yield chunk;
        },
      },
      new AbortController().signal,
    );
  }
  const found = await store.search({
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    where: [],
    limit: 10_000,
  });
  const inOrder = found.toSorted(
    (a, b) => Number(a.fields["log.offset"]) - Number(b.fields["log.offset"]),
  );
  return inOrder.map(({ fields }) => {
    const entries = Object.entries(fields).filter(([name]) => !PLACE.has(name));
    return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

test(
  "packed documents become the events that they become otherwise",
  { timeout: 120_000 },
  async () => {
    const packer = new Packer();
    let packed = 0;
    await fc.assert(
      fc.asyncProperty(shipped(60), async (documents) => {
        // So many of one stream that plain lines are read by their module.
        const ofOne = documents.map((text) => text.replaceAll(/web-2|\/srv\/\w+\.log/g, "web-1"));
        const many = Array.from({ length: 24 }, () => ofOne).flat();
        const items = many.map((text) => `${ACTION}${text}\n`);
        const { records } = await sent(packer, [items.join("")]);
        packed += packedCount(records);
        const chunks = records.flatMap((record) => [record, record]);
        const unpacked = chunks.map((record) => ({
          header: withoutPacked(record.header),
          lines: Buffer.from(textsOf(record).join("")),
        }));
        expect(await eventsOf(chunks)).toEqual(await eventsOf(unpacked));
      }),
      { numRuns: 6, endOnFailure: true },
    );
    expect(packed).toBeGreaterThan(1_000);
  },
);

test("lines of documents are the same after they were packed, in their order where they have the same members", () => {
  const packer = new Packer();
  let packed = 0;
  fc.assert(
    fc.property(shipped(80), (documents) => {
      const valid = documents.filter((text) => isJson(text)).map((text) => `${text}\n`);
      const table = packer.tableOf("documents");
      const found = packLines(packer, table, Buffer.from(valid.join("")));
      const texts = found.map((part) =>
        "packed" in part
          ? [...unpackedLines(part.packed, part.bytes)].map(String)
          : part.toString().split(/(?<=\n)/),
      );
      expect(texts.flat().toSorted()).toEqual(valid.toSorted());
      for (const [n, part] of found.entries()) {
        if (!("packed" in part)) continue;
        packed += part.count;
        expect(texts[n]).toHaveLength(part.count);
        expect(isInOrder(texts[n] ?? [], valid)).toBe(true);
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
  expect(packed).toBeGreaterThan(500);
});

/** Whether some of all texts are in the order of all. */
function isInOrder(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  return some.every((text) => {
    at = all.indexOf(text, at) + 1;
    return at > 0;
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
