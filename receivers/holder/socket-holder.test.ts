import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Listener } from "#collectors/sources/listeners/listener.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";

import { frameOf } from "./datagram-frames.ts";
import { HeldBytes } from "./held-bytes.ts";
import { type HeldConnection, SocketHolder } from "./socket-holder.ts";
import { testReceiver } from "./testing-receiver.ts";

const MB = 1024 * 1024;
const TCP = { protocol: "syslog+tcp", source: "edge" } as const;
const UDP = { protocol: "syslog+udp", source: "edge" } as const;

/** A sender of the holder, and what was answered to it. */
function senderOf(holder: SocketHolder, protocol: Listener["protocol"]) {
  let answers = "";
  const nothing = (): void => undefined;
  const connection = holder.open(
    {
      protocol,
      source: protocol,
      sender: "10.0.0.1",
      pause: nothing,
      resume: nothing,
      reply: (bytes) => (answers += Buffer.from(bytes).toString()),
      close: nothing,
      onRead: nothing,
    },
    holder.newMemory({ connectionBytesMax: 100 * MB, bytesMax: 100 * MB }),
  );
  return { connection, answers: () => answers };
}

const turn = (): Promise<void> => new Promise(setImmediate);

/** Sends the stream in parts of these lengths, while receivers are killed after some of them. Returns what was kept. */
async function sendWithKills(
  sending: { protocol: Listener["protocol"]; stream: Buffer; lengths: readonly number[] },
  kills: readonly number[],
): Promise<{ kept: string[]; answers: string }> {
  const holder = new SocketHolder();
  const records: BusRecord[] = [];
  const { connection, answers } = senderOf(holder, sending.protocol);
  let receiver = testReceiver(holder, records);
  let part = 0;
  for (let at = 0; at < sending.stream.length; part += 1) {
    const length = sending.lengths[part % sending.lengths.length] ?? 1;
    connection.add(sending.stream.subarray(at, at + length));
    at += length;
    const turns = kills[part % kills.length] ?? 0;
    if (turns === 0) continue;
    for (let i = 0; i < turns; i += 1) await turn();
    await receiver.kill();
    receiver = testReceiver(holder, records);
  }
  await end(holder, connection);
  const kept = receiver.kept();
  await receiver.kill();
  return { kept, answers: answers() };
}

async function end(holder: SocketHolder, connection: HeldConnection): Promise<void> {
  connection.end("whole");
  await holder.drained();
}

const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });
/** Turns of the event loop until a receiver is killed after a part; 0: it is not. */
const kills = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), {
  minLength: 1,
  maxLength: 9,
});
const words = fc.stringMatching(/^[a-z]{0,60}$/);
const RUNS = { numRuns: 60 };

const line = (text: string, index: number): string => `<13>${index} ${text}`;
const counted = (text: string): string => `${text.length} ${text}`;

test.each<[string, Listener["protocol"], (it: string, n: number) => string]>([
  ["syslog with line ends", "syslog+tcp", (it: string) => `${it}\n`],
  ["syslog with octet counting", "syslog+tcp", counted],
  ["RELP", "relp+tcp", (it: string, n: number) => `${n + 1} syslog ${counted(it)}\n`],
])(
  "%s: each message is kept once and in order, whenever receivers are killed",
  async (_, protocol, framed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { maxLength: 40 }),
        lengths,
        kills,
        async (texts, ...how) => {
          const lines = texts.map(line);
          const stream = Buffer.from(lines.map(framed).join(""));
          const { kept, answers } = await sendWithKills(
            { protocol, stream, lengths: how[0] },
            how[1],
          );
          expect(kept).toEqual(lines);
          const expected = lines.map((__, n) => `${n + 1} rsp 6 200 OK\n`).join("");
          expect(answers).toBe(protocol === "relp+tcp" ? expected : "");
        },
      ),
      RUNS,
    );
  },
);

test("a last message without its end is kept once", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, kills, async (...how) => {
      const stream = Buffer.from("<13>first\n<13>last");
      const sending = { protocol: TCP.protocol, stream, lengths: how[0] };
      expect((await sendWithKills(sending, how[1])).kept).toEqual(["<13>first", "<13>last"]);
    }),
    RUNS,
  );
});

test("documents are kept once beside lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 30 }),
      lengths,
      kills,
      async (them, ...how) => {
        const texts = them.map((isMultiline, n) => `<13>n=${n} a${isMultiline ? "\nb" : ""}`);
        const stream = Buffer.from(texts.map(counted).join(""));
        const { kept } = await sendWithKills(
          { protocol: "syslog+tcp", stream, lengths: how[0] },
          how[1],
        );
        const numbers = kept.map((text) => Number(/n=(\d+)/.exec(text)?.[1]));
        expect(numbers.toSorted((a, b) => a - b)).toEqual(texts.map((__, n) => n));
      },
    ),
    RUNS,
  );
});

test("datagrams are kept once, and a message in chunks of which a killed receiver had read some is complete", async () => {
  const chunk = (number: number, text: string): Buffer =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, number, 2]),
      Buffer.from(text),
    ]);
  const message = (n: number): Buffer =>
    Buffer.from(JSON.stringify({ version: "1.1", host: "h", short_message: `n=${n}` }));
  const whole = message(9).toString();
  const datagrams = [
    message(1),
    chunk(0, whole.slice(0, 10)),
    message(2),
    message(3),
    chunk(1, whole.slice(10)),
    message(4),
  ];
  const stream = Buffer.concat(datagrams.flatMap((it) => [frameOf(it, "10.0.0.1"), it]));
  await fc.assert(
    fc.asyncProperty(lengths, kills, async (...how) => {
      const { kept } = await sendWithKills(
        { protocol: "gelf+udp", stream, lengths: how[0] },
        how[1],
      );
      const texts = kept.map((it) => String(JSON.parse(it).message));
      expect(texts.toSorted()).toEqual(["n=1", "n=2", "n=3", "n=4", "n=9"]);
    }),
    RUNS,
  );
});

test("an entry of the journal is kept once, also if its value looks like other entries", async () => {
  const value = Buffer.from("MESSAGE=no\n\nMESSAGE=no\n\n");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  const time = "__REALTIME_TIMESTAMP=1773483072000000\n";
  const stream = Buffer.concat([
    Buffer.from(`${time}MESSAGE=n=1\n\n${time}MESSAGE=n=2\nDATA\n`),
    length,
    value,
    Buffer.from(`\n\n${time}MESSAGE=n=3\n\n`),
  ]);
  await fc.assert(
    fc.asyncProperty(lengths, kills, async (...how) => {
      const { kept } = await sendWithKills(
        { protocol: "journal+tcp", stream, lengths: how[0] },
        how[1],
      );
      expect(kept.map((it) => String(JSON.parse(it).message))).toEqual(["n=1", "n=2", "n=3"]);
    }),
    RUNS,
  );
});

test("the last entry of an upload of the journal that was broken off is not kept, because it is sent again", async () => {
  const holder = new SocketHolder();
  const receiver = testReceiver(holder);
  const { connection } = senderOf(holder, "journal+http");
  const time = "__REALTIME_TIMESTAMP=1773483072000000\n";
  connection.add(Buffer.from(`${time}MESSAGE=n=1\n\n${time}MESSAGE=n=2\n`));
  connection.end("broken");
  connection.end("whole");
  await holder.drained();
  expect(receiver.kept().map((it) => String(JSON.parse(it).message))).toEqual(["n=1"]);
  await receiver.kill();
});

test("an endless message is held in bounded memory, and the message after it is kept though receivers are killed", async () => {
  const holder = new SocketHolder();
  const records: BusRecord[] = [];
  const memory = holder.newMemory({ connectionBytesMax: 100 * MB, bytesMax: 100 * MB });
  const nothing = (): void => undefined;
  const source = {
    ...TCP,
    sender: "10.0.0.1",
    pause: nothing,
    resume: nothing,
    reply: nothing,
    close: nothing,
    onRead: nothing,
  };
  const connection = holder.open(source, memory);
  let receiver = testReceiver(holder, records);
  const block = Buffer.alloc(MB, "x");
  connection.add(Buffer.from(`${20 * MB + 4} <13>`));
  for (let i = 0; i < 20; i += 1) {
    connection.add(block);
    await expect.poll(() => memory.bytes, { interval: 1 }).toBeLessThan(3 * MB);
    await receiver.kill();
    receiver = testReceiver(holder, records);
  }
  connection.add(Buffer.from("8 <13>next"));
  await end(holder, connection);
  expect(receiver.kept().map((it) => it.slice(0, 8))).toEqual(["<13>xxxx", "<13>next"]);
  expect(memory.bytes).toBe(0);
  await receiver.kill();
});

test("what was dropped is counted, also without a receiver, and what was refused with one", async () => {
  const holder = new SocketHolder();
  holder.dropped(UDP, 1);
  holder.dropped(UDP, 2);
  const receiver = testReceiver(holder);
  holder.dropped(UDP, 2);
  holder.refused(TCP, "10.0.0.1", "connection closed: too slow");
  await expect.poll(receiver.dropped).toBe(5);
  await expect.poll(receiver.reasons).toEqual(["connection closed: too slow"]);
  await receiver.kill();
  const next = testReceiver(holder);
  await expect.poll(next.dropped).toBe(5);
  await next.kill();
});

test("bytes are held from the first one that is not acknowledged", () => {
  const chunk = fc.uint8Array({ maxLength: 3_000 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(chunk, share), { maxLength: 30 }), (steps) => {
      const held = new HeldBytes();
      let all = Buffer.alloc(0);
      for (const [bytes, acknowledged] of steps) {
        held.append(Buffer.from(bytes));
        all = Buffer.concat([all, bytes]);
        held.acknowledge(held.start + Math.floor(held.length * acknowledged));
        expect(Buffer.concat(held.chunks)).toEqual(all.subarray(held.start));
        expect(held.end).toBe(all.length);
      }
    }),
  );
});
