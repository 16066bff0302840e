import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Socket, connect } from "node:net";

import { expect, test } from "vitest";

import { openDoor } from "./door.ts";

test("behind a closed door nobody waits for ever, also when a worker dies with connections that it had not taken", async () => {
  const door = await openDoor({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const worker = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1_000)"], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await once(worker, "spawn");
  door.open(worker);
  const { port } = new URL(door.url);
  // The worker says of none that it has taken it.
  const clients = Array.from({ length: 5 }, () => connect(Number(port), "127.0.0.1"));
  const ended = Promise.all(clients.map(endOf));
  await Promise.all(clients.map((client) => once(client, "connect")));
  door.close();
  door.shut(worker);
  worker.kill("SIGKILL");
  await once(worker, "exit");
  door.gone(worker);
  await ended;
  expect(clients.every((client) => client.destroyed)).toBe(true);
});

test("a connection that crossed the news that its worker ends is served by another", async () => {
  const door = await openDoor({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const serve = `process.on("message", (_, socket) => {
    if (process.argv[1] === "refuses") {
      socket.destroy();
      process.send("refused");
    } else socket.end("served");
  })`;
  const worker = (name: string) =>
    spawn(process.execPath, ["-e", serve, name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [ending, staying] = [worker("refuses"), worker("serves")];
  door.open(ending);
  const client = connect(Number(new URL(door.url).port), "127.0.0.1");
  await once(ending, "message");
  door.shut(ending);
  door.open(staying);
  door.refused(ending, 1);
  const [answer] = await once(client, "data");
  expect(String(answer)).toBe("served");
  client.destroy();
  door.close();
  ending.kill();
  staying.kill();
});

/** Closed or reset: either way it is told that nobody comes. */
const endOf = (client: Socket): Promise<void> =>
  new Promise((resolve) => {
    client.on("error", () => undefined);
    client.resume().once("close", () => resolve());
  });
