import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";

import { expect, test } from "vitest";

import { bytesIn } from "#pipeline/bus/segments.ts";
import { freePort } from "#platform/free-port.ts";
import { readActivity } from "#receivers/activity/activity-files.ts";

import { startProgram, temporaryFolder, until } from "../harness/program.ts";
import { isRunning, receiversOf } from "./receiver.ts";

const MESSAGE = "<190>Mar 14 10:11:12 edge app: hello\n";
const MESSAGES = 20_000;

/** `quarterdeck role receive` with a port for syslog. */
async function startHolder(data: string) {
  const port = await freePort();
  const env = {
    QUARTERDECK_DATA: data,
    QUARTERDECK_PUSH_PORT: "off",
    QUARTERDECK_SYSLOG_TCP: String(port),
  };
  const program = startProgram(["role", "receive"], { env });
  await program.printed(/(can be pushed to)/);
  return { program, port };
}

test("a receiver ends with its holder, also if that is killed", async () => {
  await using folder = await temporaryFolder();
  const { program } = await startHolder(folder.path);
  const [receiver = 0] = receiversOf(program);
  expect(isRunning(receiver)).toBe(true);
  await program.end("SIGKILL");
  await until("the end of the receiver", () => !isRunning(receiver));
});

test("what was sent before a stop is stored, though the receiver was killed just before", async () => {
  await using folder = await temporaryFolder();
  const { program, port } = await startHolder(folder.path);
  const [receiver = 0] = receiversOf(program);
  process.kill(receiver, "SIGKILL");
  const socket = connect(port, "127.0.0.1");
  socket.end(MESSAGE.repeat(MESSAGES));
  await once(socket, "close");
  expect(await program.end("SIGTERM")).toBe(0);
  const bytes = await bytesIn(path.join(folder.path, "bus"));
  expect(bytes).toBeGreaterThanOrEqual(MESSAGE.length * MESSAGES);
  expect(readdirSync(path.join(folder.path, "receivers"))).toEqual([]);
});

test("while the receiver does not run, the list of listeners says why", async () => {
  await using folder = await temporaryFolder();
  const { program } = await startHolder(folder.path);
  const kill = (): boolean => {
    const [receiver] = receiversOf(program);
    if (receiver !== undefined) process.kill(receiver, "SIGKILL");
    return readActivity(folder.path, Date.now()).some(
      ({ problem }) => problem?.includes("SIGKILL") === true,
    );
  };
  // It is started again at once, so several times.
  await until("the problem", kill);
  await until("its end", () =>
    readActivity(folder.path, Date.now()).every(({ problem }) => problem === undefined),
  );
  await program.end("SIGTERM");
});

test("a port of the receiver that is in use is named", async () => {
  await using folder = await temporaryFolder();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const env = { QUARTERDECK_DATA: folder.path, QUARTERDECK_PUSH_PORT: String(port) };
  const program = startProgram(["role", "receive"], { env });
  expect(await program.ended).not.toBe(0);
  expect(program.output()).toContain(`Port ${port} of 127.0.0.1 is in use`);
  taken.close();
});
