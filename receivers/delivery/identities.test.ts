import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { openMemoryBus } from "#pipeline/bus/memory-bus.ts";

import { Identities, type Identity, withIdentity } from "./identities.ts";

const RESTART_MS = 1_000_000;
/** More than are forgotten at once. */
const MANY = 300_000;
const identity = (key: string) => ({ scope: "token app", key });

/** Whether the document was received before; if not, it is not kept. */
function find(identities: Identities, key: string, scope = "token app") {
  const { promise, reject } = Promise.withResolvers<void>();
  const found = identities.take({ scope, key }, identities.begin(promise));
  reject(new Error("the request is invalid"));
  return found;
}

test("a document is repeated as soon as it was received, and new again if it could not be kept", async () => {
  const identities = new Identities();
  const { promise, resolve } = Promise.withResolvers<void>();
  const keeping = identities.begin(promise);
  expect(identities.take(identity("1"), keeping)).toBeUndefined();
  expect(identities.take(identity("1"), keeping)).toEqual({ kept: promise });
  resolve();
  await promise;
  expect(identities.take(identity("1"), keeping)).toEqual({ kept: undefined });
  const failed = Promise.withResolvers<void>();
  const failing = identities.begin(failed.promise);
  expect(identities.take(identity("2"), failing)).toBeUndefined();
  failed.reject(new Error("the disk is full"));
  await expect(failed.promise).rejects.toThrow("the disk is full");
  expect(find(identities, "2")).toBeUndefined();
  expect(find(identities, "1", "token other")).toBeUndefined();
});

test("the documents of a failed request are new at once, and those sent again stay with their request", async () => {
  const identities = new Identities();
  const failed = Promise.withResolvers<void>();
  const failing = identities.begin(failed.promise);
  for (let n = 0; n < MANY; n += 1) identities.take(identity(String(n)), failing);
  failed.reject(new Error("the disk is full"));
  await expect(failed.promise).rejects.toThrow("the disk is full");
  const last = identity(String(MANY - 1));
  const again = Promise.withResolvers<void>();
  expect(identities.take(last, identities.begin(again.promise))).toBeUndefined();
  for (let turn = 0; turn < 100; turn += 1) {
    await setImmediate();
    expect(identities.take(last, failing)).toEqual({ kept: again.promise });
  }
});

test("a request is repeated only while it is being kept", async () => {
  const identities = new Identities();
  const { promise, resolve } = Promise.withResolvers<void>();
  expect(identities.findRequest("1", 0)).toBeUndefined();
  identities.keepRequest("1", promise);
  expect(identities.findRequest("1", 0)).toEqual({ kept: promise });
  resolve();
  await promise;
  expect(identities.findRequest("1", 0)).toBeUndefined();
});

test("the last 524,288 documents are recognised, in bounded memory", async () => {
  const identities = new Identities();
  const keys = Array.from({ length: 1_200_000 }, (_, n) => identity(String(n)));
  for (let at = 0; at < keys.length; at += 100_000) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const keeping = identities.begin(promise);
    for (const key of keys.slice(at, at + 100_000)) identities.take(key, keeping);
    resolve();
    const last = keys[at + 99_999] ?? identity("");
    await expect
      .poll(() => identities.take(last, keeping), { interval: 1 })
      .toEqual({ kept: undefined });
  }
  const { promise } = Promise.withResolvers<void>();
  const none = identities.begin(promise);
  const isKnown = (key: Identity): boolean => identities.take(key, none) !== undefined;
  expect(keys.slice(-524_288).every(isKnown)).toBe(true);
  expect(keys.slice(0, 100_000).some(isKnown)).toBe(false);
});

test("after restarts, documents that were still on the bus are recognised", async () => {
  const bus = openMemoryBus()();
  const header = { format: "ecs", message: "line", identities: "token app", fields: {} } as const;
  const documents = ['{"n":1}', "{}", '{"n":{"m":2}}', '{ "text":"}" } '];
  const lines = documents.map((text, n) =>
    withIdentity(Buffer.from(text), n % 2 === 0 ? { id: `${n}`, key: `${n}` } : { key: `${n}` }),
  );
  const joined = Buffer.concat(lines.flatMap((it) => [it, Buffer.from("\n")]));
  await bus.append({ header, lines: joined }, { header: { fields: {} }, lines: joined });
  const ofRequest = { fields: {}, identities: "token app", identity: "request" };
  await bus.append({ header: ofRequest, lines: Buffer.from("any\nlines\n") });
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck identities "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "receivers", "identities");
  await bus.append({ header: { ...ofRequest, request: "whole" }, lines: Buffer.from("x\n") });
  await new Identities().read(bus, file, 0);
  // The second restart finds them in the file, because the bus has removed stored records.
  const identities = new Identities();
  await identities.read(openMemoryBus()(), file, RESTART_MS);
  for (const n of documents.keys()) {
    expect([n, find(identities, String(n))]).toEqual([n, { kept: undefined }]);
  }
  expect(find(identities, "request")).toEqual({ kept: undefined });
  expect(find(identities, "4")).toBeUndefined();
  expect(identities.findRequest("whole", RESTART_MS + 1)).toEqual({ kept: undefined });
  // Later, an equal request is another one.
  expect(identities.findRequest("whole", 2 * RESTART_MS)).toBeUndefined();
});

/** Not the key, which is written only beside another id. */
const anId = fc.string().filter((id) => id !== "k");

test("a line with an identity is the same document with it", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), anId, (document, id) => {
      const text = JSON.stringify(document, null, 1).replaceAll("\n", " ");
      const line = Buffer.from(withIdentity(Buffer.from(text), { id, key: "k" })).toString();
      expect(JSON.parse(line)).toEqual({ ...JSON.parse(text), _id: id, _key: "k" });
    }),
  );
});
