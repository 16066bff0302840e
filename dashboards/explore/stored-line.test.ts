import { expect, test } from "vitest";

import { lineOf } from "./stored-line.ts";

const bytes = (text: string, encoding: BufferEncoding = "utf8") =>
  ({ kind: "bytes", bytes: new Uint8Array(Buffer.from(text, encoding)) }) as const;

test("a stored line is shown as it is, with its byte order mark and CR", () => {
  const line = "\uFEFFGET /é\r";
  expect(lineOf(bytes(line), line)).toEqual({ text: line, isEscaped: false });
});

test("a line that is not UTF-8 is shown with the escapes of the event, and marked", () => {
  const shown = lineOf(bytes("caf\xe9", "latin1"), String.raw`caf\xE9`);
  expect(shown).toEqual({ text: String.raw`caf\xE9`, isEscaped: true });
});

test("the line and another event.original that was sent in it are both shown", () => {
  const shown = lineOf(bytes(`{"event.original":"a"}`), "a");
  expect(shown).toEqual({ text: `{"event.original":"a"}`, isEscaped: false, sent: "a" });
});

test("an event that is not stored yet is shown with the line that was pushed to the page", () => {
  expect(lineOf({ kind: "none" }, "line")).toEqual({ text: "line", isEscaped: false });
});

test("an event without a line has no text", () => {
  expect(lineOf({ kind: "none" }, undefined)).toEqual({ text: undefined, isEscaped: false });
});
