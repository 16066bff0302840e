import { expect, onTestFinished, test } from "vitest";

import { RawClient, send } from "./client.ts";
import type { EdgeWorld } from "./world.ts";

const head = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const POST = "POST /echo HTTP/1.1";
const HOST = "host: web";
const CHUNKED = "transfer-encoding: chunked";
const SMUGGLED = head("GET /smuggled HTTP/1.1", HOST);

/**
 * Requests that an edge and a task could understand differently. `repairable`: an edge may also make it unambiguous,
 * as RFC 9112 allows, and send that.
 */
const REQUESTS: { name: string; bytes: string; isRepairable?: true }[] = [
  {
    name: "a length and chunks",
    bytes: `${head(POST, HOST, `content-length: ${5 + SMUGGLED.length}`, CHUNKED)}0\r\n\r\n${SMUGGLED}`,
    isRepairable: true,
  },
  {
    name: "chunks and a length",
    bytes: `${head(POST, HOST, CHUNKED, "content-length: 4")}5\r\nabcde\r\n0\r\n\r\n`,
    isRepairable: true,
  },
  {
    name: "two lengths",
    bytes: `${head(POST, HOST, "content-length: 0", `content-length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  {
    name: "two lengths in one line",
    bytes: `${head(POST, HOST, `content-length: 0, ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  { name: "a length with a sign", bytes: `${head(POST, HOST, "content-length: +3")}abc` },
  { name: "a length in hexadecimal", bytes: `${head(POST, HOST, "content-length: 0x3")}abc` },
  {
    name: "an unknown transfer coding",
    bytes: `${head(POST, HOST, "transfer-encoding: xchunked")}0\r\n\r\n${SMUGGLED}`,
  },
  {
    name: "chunked that is not the last coding",
    bytes: `${head(POST, HOST, "transfer-encoding: chunked, identity")}0\r\n\r\n${SMUGGLED}`,
  },
  {
    name: "a space before the colon",
    bytes: `${head(POST, HOST, "transfer-encoding : chunked", "content-length: 5")}0\r\n\r\n`,
  },
  {
    name: "a folded line",
    bytes: head(POST, HOST, "x-folded: a", "\ttransfer-encoding: chunked", "content-length: 0"),
    isRepairable: true,
  },
  {
    name: "a chunk size that is no number",
    bytes: `${head(POST, HOST, CHUNKED)}zz\r\nab\r\n0\r\n\r\n`,
  },
  {
    name: "a chunk that is longer than its size",
    bytes: `${head(POST, HOST, CHUNKED)}3\r\nabcdef\r\n0\r\n\r\n${SMUGGLED}`,
  },
  {
    name: "a chunk size that overflows",
    bytes: `${head(POST, HOST, CHUNKED)}ffffffffffffffffff\r\nab\r\n`,
  },
  { name: "a zero byte in a header", bytes: head("GET /smuggled HTTP/1.1", HOST, "x-zero: a\0b") },
  {
    name: "a bare carriage return",
    bytes: head("GET /smuggled HTTP/1.1", HOST, "x-cr: a\rx-lane: green"),
  },
  { name: "no host", bytes: head("GET /smuggled HTTP/1.1") },
  { name: "two hosts", bytes: head("GET /smuggled HTTP/1.1", HOST, "host: other") },
  { name: "an unknown version", bytes: head("GET /smuggled HTTP/7.3", HOST) },
  { name: "no HTTP at all", bytes: "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 smuggled\r\n\r\n" },
  {
    name: "a head without end",
    bytes: `GET /smuggled HTTP/1.1\r\n${HOST}\r\nx-long: ${"a".repeat(300_000)}`,
  },
  {
    name: "more headers than a task reads",
    bytes: head("GET /smuggled HTTP/1.1", HOST, ...Array.from({ length: 2_100 }, () => "a:")),
  },
  { name: "CONNECT", bytes: head("CONNECT smuggled:80 HTTP/1.1", "host: smuggled:80") },
];

/** Hostile requests are refused, and none becomes two. */
export function testHostileRequests(shared: () => EdgeWorld): void {
  test.each(REQUESTS)("$name", async ({ bytes, isRepairable = false }) => {
    const world = shared();
    await world.serve({ tasks: { blue: 1, green: 1 } });
    const before = { smuggled: world.got("smuggled").length, all: world.got(" POST /echo").length };
    const client = new RawClient(world.url);
    onTestFinished(() => client.close());
    client.write(bytes);
    await expect.poll(() => client.isClosed || client.received !== "").toBe(true);
    const status = Number(/^HTTP\/1.[01] (\d+)/.exec(client.received)?.[1] ?? 0);
    if (!isRepairable) expect(status === 0 || status >= 400).toBe(true);
    // Behind it, so that it would have been sent.
    expect((await send(`${world.url}/length`)).body).toBe("12345");
    const extra = world.got("smuggled").length - before.smuggled;
    // What follows a repaired request may be the next one.
    if (!isRepairable) expect(extra).toBe(0);
    expect(world.got(" POST /echo").length - before.all).toBeLessThanOrEqual(1);
  });
}
