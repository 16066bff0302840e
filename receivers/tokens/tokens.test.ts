import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { testReceivers } from "../testing.ts";
import { TokenRequest } from "./push-token.ts";
import { addToken, listTokens, removeToken, openTokenReader } from "./token-file.ts";

const request = (name: string): TokenRequest => TokenRequest.parse({ name });

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck tokens "));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("only the hash of a token is stored, and all tokens made at the same time are kept", async () => {
  const data = await folder();
  const names = Array.from({ length: 8 }, (_, n) => `shipper ${n}`);
  const made = await Promise.all(names.map((name) => addToken(data, request(name), 1)));
  expect(
    listTokens(data)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(names);
  const text = await readFile(join(data, "push-tokens.json"), "utf8");
  for (const { secret } of made) expect(text).not.toContain(secret);
  await expect(addToken(data, request("shipper 1"), 1)).rejects.toThrow("There is a token named");
  await removeToken(data, "shipper 1");
  await expect(removeToken(data, "shipper 1")).rejects.toThrow("no token shipper 1");
  expect(listTokens(data)).toHaveLength(7);
});

test("a removed token is not found any more, and a damaged one is named with what to do", async () => {
  const data = await folder();
  const reader = openTokenReader(data);
  const { secret, token } = await addToken(data, request("a"), 1);
  expect(reader.find(secret)).toEqual(token);
  await removeToken(data, token.id);
  expect(reader.find(secret)).toBeUndefined();
  await writeFile(join(data, "push-tokens.json"), "{");
  expect(() => reader.find(secret)).toThrow(/push-tokens.json is damaged.*restore it/);
});

test("a token writes only to its datasets, and without a named one to its only dataset", async () => {
  await using receivers = await testReceivers();
  const shop = await receivers.newToken({ datasets: ["shop.*", "edge"] });
  const only = await receivers.newToken({ datasets: ["only.one"] });
  const push = async (as: string, path: string, body: string): Promise<number> => {
    const headers = {
      "content-type": body.startsWith("{") ? "application/x-ndjson" : "text/plain",
    };
    return (await receivers.send("POST", path, { as, headers, body })).status;
  };
  expect(await push(shop, "/push?dataset=shop.a", '{"n":1}')).toBe(202);
  expect(await push(shop, "/push", '{"n":2,"data_stream":{"dataset":"edge"}}')).toBe(202);
  expect(await push(shop, "/push", '{"n":3}')).toBe(403);
  expect(await push(shop, "/push", "a line")).toBe(403);
  expect(await push(shop, "/push", '{"n":3,"event.dataset":"bank"}')).toBe(403);
  expect(await push(only, "/push", '{"n":4}')).toBe(202);
  expect(await push(only, "/push?dataset=shop.a", '{"n":4}')).toBe(403);
  // Two values of the same field: that which was checked is stored.
  const both = '{"n":5,"data_stream.dataset":"shop.b","data_stream":{"dataset":"bank"}}';
  expect(await push(shop, "/push", both)).toBe(202);
  const events = await receivers.stored(4);
  const datasets = events.map((it) => [it["n"], it["data_stream.dataset"]]);
  expect(Object.fromEntries(datasets)).toEqual({
    1: "shop.a",
    2: "edge",
    4: "only.one",
    5: "shop.b",
  });
});

test("a token with a rate is refused with Retry-After when it has sent too many events", async () => {
  await using receivers = await testReceivers();
  const slow = await receivers.newToken({ eventsPerSecond: 2 });
  const headers = { "content-type": "application/x-ndjson" };
  const push = () =>
    receivers.send("POST", "/push", { as: slow, headers, body: '{"n":1}\n'.repeat(40) });
  expect((await push()).status).toBe(202);
  const second = await push();
  expect([second.status, Number(second.headers.get("retry-after"))]).toEqual([429, 16]);
  expect((await receivers.send("POST", "/push", { headers, body: "{}" })).status).toBe(202);
  await receivers.stored(41);
});
