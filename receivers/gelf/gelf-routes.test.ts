import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { testReceivers } from "../testing.ts";

test("messages in GELF are accepted over HTTP, compressed or not, and others are refused with the reason", async () => {
  await using receivers = await testReceivers();
  const headers = { "content-type": "application/json" };
  const message = (text: string, more = {}): string =>
    JSON.stringify({ version: "1.1", host: "web1", short_message: text, level: 4, ...more });
  const sent = [
    await receivers.send("POST", "/gelf", { headers, body: message("late", { _order: 17 }) }),
    await receivers.send("POST", "/gelf", {
      headers: { ...headers, "content-encoding": "gzip" },
      body: new Uint8Array(gzipSync(message("later", { timestamp: 1_773_482_400.25 }))),
    }),
    await receivers.send("POST", "/gelf", { headers, body: "{}" }),
    await receivers.send("POST", "/gelf", { headers, body: message("no token"), as: "" }),
  ];
  expect(sent.map(({ status }) => status)).toEqual([202, 202, 400, 401]);
  expect(sent[2]?.text).toContain("short_message");
  const events = await receivers.stored(2);
  expect(events.find((it) => it["message"] === "later")).toMatchObject({
    "@timestamp": "2026-03-14T10:00:00.250Z",
    "host.name": "web1",
    "log.level": expect.stringMatching(/warn/),
    "data_stream.dataset": "gelf",
  });
  expect(events.find((it) => it["message"] === "late")).toMatchObject({ "labels.order": "17" });
});
