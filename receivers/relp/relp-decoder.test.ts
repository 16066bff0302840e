import * as fc from "fast-check";
import { expect, test } from "vitest";

import { relpStream } from "./relp-decoder.ts";

const MESSAGE_BYTES_MAX = 100;

/** What is read when the stream arrives in these parts. */
function read(parts: readonly Uint8Array[]) {
  const decoder = relpStream(MESSAGE_BYTES_MAX, ({ lines, multiline }) => ({
    lines,
    documents: multiline,
  }));
  let heldMax = 0;
  const decoded = parts.map((part) => {
    const found = decoder.push(Buffer.from(part));
    heldMax = Math.max(heldMax, decoder.heldBytes);
    return found;
  });
  const { skippedBytes, failure } = decoder;
  return {
    lines: Buffer.concat(decoded.flatMap((it) => it.lines))
      .toString()
      .split("\n")
      .slice(0, -1),
    multiline: decoded.flatMap((it) => it.documents.map(String)),
    replies: decoded.map((it) => it.reply ?? "").join(""),
    heldMax,
    skippedBytes,
    failure,
  };
}

function cut(stream: Buffer, lengths: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    parts.push(stream.subarray(at, at + length));
    at += length;
  }
  return parts;
}

const frame = (number: number, command: string, data = ""): string =>
  `${number} ${command} ${data.length}${data === "" ? "" : ` ${data}`}\n`;

test("messages are cut and answered in order, however the stream arrives", () => {
  const text = fc.stringMatching(/^<13>[a-z \d]{0,80}$/);
  const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), lengths, (given, sizes) => {
      const frames = given.map((it, index) => frame(index + 1, "syslog", it));
      const found = read(cut(Buffer.from(frames.join("")), sizes));
      expect(found).toMatchObject({ lines: given, multiline: [], failure: undefined });
      expect(found.replies).toBe(given.map((_, i) => `${i + 1} rsp 6 200 OK\n`).join(""));
    }),
  );
});

test("whatever bytes arrive, what is held is bounded", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom("1 syslog 999999999 x", "1 syslog 90 ", "1 open", "9", " ").map(Buffer.from),
  );
  fc.assert(
    fc.property(fc.array(bytes), (parts) => {
      expect(read(parts).heldMax).toBeLessThanOrEqual(MESSAGE_BYTES_MAX + 60);
    }),
  );
});

test("a session is opened and closed, and an unknown command is refused", () => {
  const stream = [
    frame(1, "open", "relp_version=0\ncommands=syslog"),
    frame(2, "starttls"),
    frame(3, "syslog", "<13>a\nb"),
    "4 syslog 0\n",
    frame(5, "close"),
  ];
  const { multiline, replies } = read([Buffer.from(stream.join(""))]);
  expect(multiline).toEqual(["<13>a\nb"]);
  expect(replies.split("\n").slice(0, 2)).toEqual(["1 rsp 63 200 OK", "relp_version=0"]);
  expect(replies.split("commands=syslog\n")[1]).toBe(
    "2 rsp 33 500 this command is not supported\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp 0\n0 serverclose 0\n",
  );
});

test("of an overlong message the beginning is kept, it is answered after its end, and the next one follows", () => {
  const long = frame(1, "syslog", `<13>${"x".repeat(5_000)}`);
  const stream = Buffer.from(long + frame(2, "syslog", "<13>next"));
  for (const sizes of [[7], [64, 3], [10_000]]) {
    const found = read(cut(stream, sizes));
    expect(found.lines).toEqual([`<13>${"x".repeat(96)}`, "<13>next"]);
    expect(found.replies).toBe("1 rsp 6 200 OK\n2 rsp 6 200 OK\n");
    expect(found.skippedBytes).toBe(4_904);
  }
  // Its end is missing.
  expect(read([stream.subarray(0, 4_000)]).replies).toBe("");
});

test.each([
  ["syslog without RELP", "<13>Mar 14 10:11:12 h app: x\n".repeat(3)],
  ["a length that is too long", `1 syslog 1234567890 ${"x".repeat(90)}`],
  ["a wrong length", "1 syslog 3 abcd\n2 syslog 1 a\n"],
])("%s ends the connection", (_, stream) => {
  const { failure, replies } = read([Buffer.from(stream)]);
  expect(failure).toBe("what arrives is not the protocol RELP");
  expect(replies).toBe("");
});
