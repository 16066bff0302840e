import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Socket, connect } from "node:net";

import { expect, test } from "vitest";

import { openDispatcher } from "./connection-dispatcher.ts";

test("close leaves no connection open, even if a worker dies with connections that it had not accepted", async () => {
  const dispatcher = await openDispatcher({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const worker = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1_000)"], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await once(worker, "spawn");
  dispatcher.add(worker);
  const { port } = new URL(dispatcher.url);
  // The worker accepts none of them.
  const clients = Array.from({ length: 5 }, () => connect(Number(port), "127.0.0.1"));
  const closed = Promise.all(clients.map(closeOf));
  await Promise.all(clients.map((client) => once(client, "connect")));
  dispatcher.close();
  dispatcher.drain(worker);
  worker.kill("SIGKILL");
  await once(worker, "exit");
  dispatcher.remove(worker);
  await closed;
  expect(clients.every((client) => client.destroyed)).toBe(true);
});

test("until the first worker is ready, a request is answered with 503 and Retry-After at once", async () => {
  const dispatcher = await openDispatcher({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const response = await fetch(`${dispatcher.url}/v1/things`);
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await fetch(`${dispatcher.url}/livez`)).status).toBe(200);
  dispatcher.close();
});

test("a connection that a stopping worker rejects is served by another worker", async () => {
  const dispatcher = await openDispatcher({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const serve = `process.on("message", (_, socket) => {
    if (process.argv[1] === "rejects") {
      socket.destroy();
      process.send("rejected");
    } else socket.end("served");
  })`;
  const worker = (name: string) =>
    spawn(process.execPath, ["-e", serve, name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [stopping, staying] = [worker("rejects"), worker("serves")];
  dispatcher.add(stopping);
  const client = connect(Number(new URL(dispatcher.url).port), "127.0.0.1");
  await once(stopping, "message");
  dispatcher.drain(stopping);
  dispatcher.add(staying);
  dispatcher.rejected(stopping, 1);
  const [response] = await once(client, "data");
  expect(String(response)).toBe("served");
  client.destroy();
  dispatcher.close();
  stopping.kill();
  staying.kill();
});

/** Closed or reset. */
const closeOf = (client: Socket): Promise<void> =>
  new Promise((resolve) => {
    client.on("error", () => undefined);
    client.resume().once("close", () => resolve());
  });
