import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { listen } from "../listen.ts";
import { bodyBudget } from "./body-budget.ts";
import { BodyBuffers } from "./body-buffers.ts";
import { readBytes } from "./read-body.ts";

const BYTES_MAX = 1_000_000;
const fourBuffers = (): BodyBuffers =>
  new BodyBuffers(Array.from({ length: 4 }, () => Buffer.alloc(1_000)));

test("memory that is free is used again, and no more is taken than there is", () => {
  const buffers = fourBuffers();
  const [first, ...others] = Array.from({ length: 4 }, () => buffers.take(1));
  if (!first) throw new Error("there is memory");
  expect(others.every((it) => it && it !== first)).toBe(true);
  expect(buffers.take(1)).toBeUndefined();
  buffers.end(first, true);
  expect(buffers.take(first.length)).toBe(first);
  buffers.end(first, false);
  const another = buffers.take(1);
  expect(another).toBeDefined();
  expect(another).not.toBe(first);
});

test("no memory is taken for a body that is larger", () => {
  const buffers = fourBuffers();
  const memory = buffers.take(1);
  expect(buffers.take((memory?.length ?? 0) + 1)).toBeUndefined();
});

test("bodies of any size arrive whole, one after the other in the same memory", async () => {
  const memory = Buffer.alloc(100_000);
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    outgoing.end(await readBytes(incoming, BYTES_MAX, memory));
    bodyBudget.release(incoming);
  };
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  const port = await listen(server, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  onTestFinished(async () => {
    server.close();
    await once(server, "close");
  });
  const size = fc.oneof(
    fc.nat(300_000),
    fc.constantFrom(0, 99_999, 100_000, 100_001, 65_536, 131_072),
  );
  await fc.assert(
    fc.asyncProperty(size, fc.nat(255), async (bytes, fill) => {
      const body = Buffer.alloc(bytes, fill);
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body });
      expect(body.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
    }),
    { numRuns: 40 },
  );
});
