import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { MessageChannel } from "node:worker_threads";

import { describe, expect, onTestFinished, test, vi } from "vitest";

import { testChannel } from "./contract.ts";
import { messagePortChannel } from "./message-port-channel.ts";
import type { Channel } from "./port.ts";
import { followChannels, listenForChannels } from "./sockets.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck channel "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const meeting = (dataFolder: string, protocol = "test 1") => ({
  dataFolder,
  name: "index",
  protocol,
});

/** Collects accepted channels. */
function accepted() {
  const channels: Channel<unknown, unknown>[] = [];
  const messages: unknown[] = [];
  return {
    channels,
    messages,
    accept(channel: Channel<unknown, unknown>) {
      channels.push(channel);
      channel.onMessage((message) => messages.push(message));
    },
    async one(index = 0): Promise<Channel<unknown, unknown>> {
      await expect.poll(() => channels.length, { timeout: 10_000 }).toBeGreaterThan(index);
      const channel = channels[index];
      if (!channel) throw new Error("no channel");
      return channel;
    },
  };
}

describe("between threads", () => {
  testChannel(async () => {
    const { port1, port2 } = new MessageChannel();
    const one = messagePortChannel<unknown, unknown>(port1);
    const other = messagePortChannel<unknown, unknown>(port2);
    return {
      one,
      other,
      async [Symbol.asyncDispose]() {
        one.close();
        other.close();
      },
    };
  });
});

describe("between processes", () => {
  testChannel(async () => {
    const folder = await temporaryFolder();
    const there = Promise.withResolvers<Channel<unknown, unknown>>();
    const here = Promise.withResolvers<Channel<unknown, unknown>>();
    const listening = await listenForChannels(meeting(folder), there.resolve);
    const following = followChannels(meeting(folder), here.resolve);
    return {
      one: await there.promise,
      other: await here.promise,
      async [Symbol.asyncDispose]() {
        await following[Symbol.asyncDispose]();
        await listening[Symbol.asyncDispose]();
      },
    };
  });

  test("every follower is connected to every listener, also to one that starts later or again", async () => {
    const folder = await temporaryFolder();
    const followers = [accepted(), accepted()];
    const following = followers.map(({ accept }) => followChannels(meeting(folder), accept));
    const [first, second] = [accepted(), accepted()];
    const listening = await listenForChannels(meeting(folder), first.accept);
    for (const follower of followers) await follower.one();
    await using other = await listenForChannels(meeting(folder), second.accept);
    for (const follower of followers) await follower.one(1);
    await listening[Symbol.asyncDispose]();
    for (const follower of followers) await (await follower.one()).closed;
    const again = accepted();
    await using next = await listenForChannels(meeting(folder), again.accept);
    for (const follower of followers) (await follower.one(2)).post("hello");
    await expect.poll(() => again.messages).toEqual(["hello", "hello"]);
    expect([other, next]).toHaveLength(2);
    await Promise.all(following.map((it) => it[Symbol.asyncDispose]()));
  });

  test("only the same user may connect, and a folder that others can write to is rejected", async () => {
    const folder = await temporaryFolder();
    await using listening = await listenForChannels(meeting(folder), () => undefined);
    expect(listening).toBeDefined();
    const sockets = path.join(folder, "sockets");
    const [file = ""] = await readdir(sockets);
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(sockets, file))).mode & 0o777).toBe(0o600);
  });

  test("the socket of a killed process is removed, and the socket of a living one is kept", async () => {
    const folder = await temporaryFolder();
    await using one = await listenForChannels(meeting(folder), () => undefined);
    const sockets = path.join(folder, "sockets");
    const dead = path.join(sockets, "index-00000000.sock");
    await leaveSocket(dead);
    await writeFile(path.join(sockets, "index-note.txt"), "");
    await using other = await listenForChannels(meeting(folder), () => undefined);
    expect([one, other]).toHaveLength(2);
    expect((await readdir(sockets)).filter((name) => name.endsWith(".sock"))).toHaveLength(2);
  });

  test("a data folder may have a long path", async () => {
    const temporary = await temporaryFolder();
    vi.stubEnv("TMPDIR", temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = path.join(temporary, "a".repeat(120));
    const [there, here] = [accepted(), accepted()];
    await using listening = await listenForChannels(meeting(folder), there.accept);
    await using following = followChannels(meeting(folder), here.accept);
    expect([listening, following]).toHaveLength(2);
    (await there.one()).post("hello");
    await expect.poll(() => here.messages).toEqual(["hello"]);
  });

  test("another protocol or invalid bytes close the connection and are not delivered", async () => {
    const folder = await temporaryFolder();
    const there = accepted();
    await using listening = await listenForChannels(meeting(folder), there.accept);
    expect(listening).toBeDefined();
    const here = accepted();
    await using following = followChannels(meeting(folder, "test 2"), here.accept);
    expect(following).toBeDefined();
    (await here.one()).post("hello");
    await (
      await there.one()
    ).closed;
    const sockets = path.join(folder, "sockets");
    const [file = ""] = await readdir(sockets);
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from([2, 0, 0, 0, 9, 9])]) {
      const count = there.channels.length;
      const socket = connect(path.join(sockets, file));
      socket.on("error", () => undefined);
      socket.write(bytes);
      await (
        await there.one(count)
      ).closed;
    }
    expect([...there.messages, ...here.messages]).toEqual([]);
  });
});

/** A socket file without a listener, as left by a killed process. */
async function leaveSocket(file: string): Promise<void> {
  const { spawnSync } = await import("node:child_process");
  const script = `require("node:net").createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["--eval", script]);
  expect((await stat(file)).isSocket()).toBe(true);
}
