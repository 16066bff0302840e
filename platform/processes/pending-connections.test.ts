import { once } from "node:events";
import { createServer } from "node:net";

import { expect, test } from "vitest";

import { openPendingConnections } from "./pending-connections.ts";

test("a connection that was pending for too long is answered 503 with Retry-After", async () => {
  const pending = openPendingConnections(10);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    pending.add(socket),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const answer = await fetch(`http://127.0.0.1:${port}/v1/things`, {
    method: "POST",
    body: "x".repeat(100_000),
  });
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await answer.json()).toMatchObject({ status: 503, title: "Service Unavailable" });
  server.close();
});
