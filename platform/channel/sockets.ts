import { createHash, randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import type { Channel, ChannelAddress } from "./port.ts";
import { socketChannel } from "./socket-channel.ts";

/** The path of a Unix domain socket has at most 103 bytes on macOS, 107 on Linux. */
const PATH_BYTES_MAX = 103;
const ID_BYTES = 4;
const LOOK_EVERY_MS = 500;

/**
 * Listens for other processes of the same user on the same data folder.
 * @throws AppError unavailable when the socket cannot be created
 */
export async function listenForChannels<In, Out>(
  { dataFolder, name, protocol }: ChannelAddress,
  accept: (channel: Channel<In, Out>) => void,
): Promise<AsyncDisposable> {
  const folder = socketFolder(dataFolder, name);
  makePrivate(folder);
  await removeStale(folder, name);
  const file = path.join(folder, `${name}-${randomBytes(ID_BYTES).toString("hex")}.sock`);
  const open = new Set<Channel<In, Out>>();
  const server = createServer((socket) => {
    const channel = socketChannel<In, Out>(socket, protocol);
    open.add(channel);
    void channel.closed.then(() => open.delete(channel));
    accept(channel);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(noSocket(file, error)));
    server.listen(file, resolve);
  });
  chmodSync(file, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      for (const channel of open) channel.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Connects to every listening process, including later ones, until disposed. */
export function followChannels<In, Out>(
  { dataFolder, name, protocol }: ChannelAddress,
  accept: (channel: Channel<In, Out>) => void,
): AsyncDisposable {
  const folder = socketFolder(dataFolder, name);
  const stopping = new AbortController();
  const open = new Map<string, Channel<In, Out>>();

  async function connectTo(file: string): Promise<void> {
    const socket = await connected(path.join(folder, file)).catch(() => undefined);
    if (!socket) return;
    const channel = socketChannel<In, Out>(socket, protocol);
    if (stopping.signal.aborted) {
      channel.close();
      return;
    }
    open.set(file, channel);
    void channel.closed.then(() => open.delete(file));
    accept(channel);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const files = socketsIn(folder, name).filter((file) => !open.has(file));
      await Promise.all(files.map(connectTo));
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      const channels = [...open.values()];
      for (const channel of channels) channel.close();
      await Promise.all(channels.map(({ closed }) => closed));
    },
  };
}

/** A folder in the data folder; if its path is too long for a socket, a temporary folder of this user. */
function socketFolder(dataFolder: string, name: string): string {
  const folder = path.join(dataFolder, "sockets");
  const file = path.join(folder, `${name}-${"0".repeat(2 * ID_BYTES)}.sock`);
  if (Buffer.byteLength(file) <= PATH_BYTES_MAX) return folder;
  const digest = createHash("sha256").update(path.resolve(dataFolder)).digest("hex").slice(0, 16);
  return path.join(tmpdir(), `quarterdeck-${process.getuid?.() ?? 0}-${digest}`);
}

/** @throws AppError unavailable if others could create sockets there */
function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    if (uid === (process.getuid?.() ?? uid) && (mode & 0o077) === 0) return;
  } catch (error) {
    throw noSocket(folder, error);
  }
  throw noSocket(folder, new Error("other users may write to it"));
}

/** Removes the sockets of killed processes. */
async function removeStale(folder: string, name: string): Promise<void> {
  for (const file of socketsIn(folder, name).map((it) => path.join(folder, it))) {
    const isStale = await connected(file).then(
      (socket) => {
        socket.destroy();
        return false;
      },
      (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
    );
    if (isStale) await rm(file, { force: true });
  }
}

function socketsIn(folder: string, name: string): string[] {
  try {
    return readdirSync(folder).filter((it) => it.startsWith(`${name}-`) && it.endsWith(".sock"));
  } catch {
    return []; // There was no listener yet.
  }
}

function connected(file: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(file, () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

function noSocket(file: string, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError("unavailable", `the socket ${file} cannot be used: ${why}`, {
    cause: error,
  });
}
