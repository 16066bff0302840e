import { connect, createServer, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { socketChannel } from "#platform/channel/socket-channel.ts";
import { systemClock } from "#platform/clock.ts";
import { listen } from "#platform/listen.ts";

import type { FrameDelta } from "../live/live-part.ts";
import { batchOf } from "../store/contract.ts";
import { type FromIndexer, NO_STATUS, type ToIndexer } from "./messages.ts";
import { LivePublisher } from "./publisher.ts";
import { tailRows } from "./tail-rows.ts";

const MB = 1024 * 1024;

/** An indexer's end of a socket whose other end reads nothing. */
async function unreadSocket(): Promise<Socket> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  const port = await listen(server, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const silent = connect(port, "127.0.0.1").pause();
  const socket = await accepted.promise;
  onTestFinished(() => {
    silent.destroy();
    socket.destroy();
    server.close();
  });
  return socket;
}

test("what an indexer keeps for a control plane that does not read is limited", async () => {
  const socket = await unreadSocket();
  const publisher = new LivePublisher(systemClock);
  publisher.attach(socketChannel<ToIndexer, FromIndexer>(socket, "test"));
  const delta: FrameDelta = {
    dataset: "nginx.access",
    newestEventMs: 0,
    seconds: Uint32Array.of(1),
    parts: { requests: { numbers: new Float64Array(MB / 8) } },
  };
  for (let n = 0; n < 100; n += 1) {
    publisher.frames([delta]);
    publisher.sealed({ rows: 1, historyRows: 0 });
    publisher.status({ ...NO_STATUS, lines: n });
  }
  expect(socket.writableLength).toBeLessThan(10 * MB);
});

test("events that are too long to be shown live are counted as skipped", () => {
  const nowMs = systemClock.nowMs();
  const events = [200, 2_000_000, 300].map((length) => ({
    "@timestamp": nowMs,
    message: "x".repeat(length),
  }));
  const [tail] = tailRows(batchOf(events), { from: 0, to: 3, nowMs }, [{ id: "1", filter: [] }]);
  expect(tail?.events.map(({ fields }) => String(fields["message"]).length)).toEqual([200, 300]);
  expect(tail?.skipped).toBe(1);
});
