import * as fc from "fast-check";
import { expect, test } from "vitest";

import { SyslogFrames } from "./syslog-frames.ts";

const FRAME_BYTES_MAX = 100;
const LF = Buffer.from("\n");

/** The messages that are cut off when the stream arrives in these parts. */
function messagesOf(parts: readonly Uint8Array[], frameBytesMax = FRAME_BYTES_MAX) {
  const frames = new SyslogFrames(frameBytesMax);
  let heldMax = 0;
  const found = parts.map((part) => {
    const cutOff = frames.push(Buffer.from(part));
    heldMax = Math.max(heldMax, frames.heldBytes);
    return cutOff;
  });
  found.push(frames.end());
  const lines = Buffer.concat(found.flatMap((it) => it.lines)).toString("latin1");
  const multiline = found.flatMap((it) => it.multiline.map((bytes) => bytes.toString("latin1")));
  return {
    lines: lines.split("\n").slice(0, -1),
    multiline,
    heldMax,
    skipped: frames.skippedBytes,
  };
}

/** The stream in parts of these lengths. */
function cut(stream: Buffer, lengths: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    parts.push(stream.subarray(at, at + length));
    at += length;
  }
  return parts;
}

const LENGTHS = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
const bytes = fc.uint8Array({ minLength: 1, maxLength: FRAME_BYTES_MAX - 1 });
const message = bytes.map((it) => Buffer.concat([Buffer.from("<"), it]));
const line = message.map((it) =>
  Buffer.from(it.map((byte) => (byte === 0x0a || byte === 0 ? 0x20 : byte))),
);
const counted = (it: Buffer): Buffer => Buffer.concat([Buffer.from(`${it.length} `), it]);
const texts = (them: readonly Buffer[]): string[] => them.map((it) => it.toString("latin1"));

test("messages with line ends are cut, however the stream arrives", () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      LENGTHS,
      fc.boolean(),
      (given, lengths, ends) => {
        const stream = Buffer.concat(given.flatMap((it) => [it, LF]));
        const found = messagesOf(cut(ends ? stream : stream.subarray(0, -1), lengths));
        expect(found).toMatchObject({ lines: texts(given), multiline: [], skipped: 0 });
      },
    ),
  );
});

test("messages with octet counting are cut, whatever bytes they have and however the stream arrives", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), LENGTHS, (given, lengths) => {
      const found = messagesOf(cut(Buffer.concat(given.map(counted)), lengths));
      const plain = texts(given).map((it) => it.replace(/\n$/, ""));
      // Those with line ends in them are apart.
      expect(found.lines).toEqual(plain.filter((_, i) => !isMultiline(given[i])));
      expect(found.multiline).toEqual(texts(given.filter(isMultiline)));
      expect(found.skipped).toBe(0);
    }),
  );
});

const isMultiline = (it: Buffer | undefined): boolean => {
  const end = it?.indexOf(LF) ?? -1;
  return end >= 0 && end < (it?.length ?? 0) - 1;
};

test("whatever bytes arrive, what is held is bounded, and no byte between line ends is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (parts) => {
      const { heldMax } = messagesOf(parts, 50);
      expect(heldMax).toBeLessThanOrEqual(50);
    }),
  );
});

test("a frame of 2 GB is read in bounded memory: its beginning is kept, and the next message follows", () => {
  const frames = new SyslogFrames(1_000);
  const block = Buffer.alloc(1024 * 1024, "x");
  const lines = [...frames.push(Buffer.from("2147483648 <13>")).lines];
  for (let i = 0; i < 2048; i += 1) {
    const part = i === 2047 ? block.subarray(4) : block;
    lines.push(...frames.push(part).lines);
    expect(frames.heldBytes).toBeLessThanOrEqual(1_000);
  }
  lines.push(...frames.push(Buffer.from("7 <13>abc")).lines);
  const text = Buffer.concat(lines).toString();
  expect(text).toBe(`<13>${"x".repeat(996)}\n<13>abc\n`);
  expect(frames.skippedBytes).toBe(2_147_483_648 - 1_000);
});

test("a line of 10 MB is read in bounded memory, and the next line follows", () => {
  const parts = [...Array.from({ length: 10_000 }, () => Buffer.alloc(1_000, "x")), LF];
  const found = messagesOf([...parts, Buffer.from("<13>next\n")], 5_000);
  expect(found).toMatchObject({ heldMax: 5_000, skipped: 9_995_000 });
  expect(found.lines).toEqual(["x".repeat(5_000), "<13>next"]);
});

test("where a count is wrong, the stream continues with line ends", () => {
  const stream = Buffer.from("7 <13>abc5x<13>def\n<13>ghi\n");
  expect(messagesOf(cut(stream, [3])).lines).toEqual(["<13>abc", "5x<13>def", "<13>ghi"]);
});

test("line ends between counted messages are skipped", () => {
  const stream = Buffer.from("7 <13>abc\n8 <13>abcd\n");
  expect(messagesOf([stream]).lines).toEqual(["<13>abc", "<13>abcd"]);
});
