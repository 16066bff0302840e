import { once } from "node:events";
import { createServer } from "node:net";

import { expect, test } from "vitest";

import { openPendingConnections } from "./pending-connections.ts";

async function listening(waitMsMax: number) {
  const pending = openPendingConnections(waitMsMax);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    pending.add(socket),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    pending,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      pending.close();
      server.close();
      await once(server, "close");
    },
  };
}

test("a connection that is pending for too long is answered with 503 and Retry-After", async () => {
  await using server = await listening(10);
  const response = await fetch(`${server.url}/v1/things`, {
    method: "POST",
    body: "x".repeat(100_000),
  });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ status: 503, title: "Service Unavailable" });
});

test("without a ready worker the process is live but not ready, and browsers get a page that reloads itself", async () => {
  await using server = await listening(0);
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  const page = await fetch(`${server.url}/docs`, { headers: { accept: "text/html" } });
  expect([page.status, page.headers.get("content-type")]).toEqual([
    503,
    "text/html; charset=utf-8",
  ]);
  expect(await page.text()).toContain('<meta http-equiv="refresh"');
});
