import type { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";

import type { Channel } from "./port.ts";

/** Maximum number of bytes that wait to be sent. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024;
/** A longer message is an error of the sender, or not from Quarterdeck. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** Time for posted messages to be received by the other end after `close`. */
const CLOSE_MS = 1_000;

/**
 * A channel over a connected socket: each message is its length (32 bits, little-endian) and its structured clone. Each
 * end first sends the name of its protocol, and the channel closes if the names differ.
 */
export function socketChannel<In, Out>(socket: Socket, protocol: string): Channel<In, Out> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.once("close", () => resolve());
  // A broken connection is reported by "close".
  socket.on("error", () => undefined);
  const send = (message: unknown): void => {
    const bytes = serialize(message);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(bytes.length);
    socket.cork();
    socket.write(length);
    socket.write(bytes);
    socket.uncork();
  };
  send(protocol);
  return {
    post(message) {
      if (socket.writable) send(message);
    },
    onMessage(listener) {
      let checked = false;
      readMessages(socket, (message) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other end is of the same protocol
        if (checked) listener(message as In);
        else if (message === protocol) checked = true;
        else socket.destroy();
      });
    },
    get isCongested() {
      return socket.writableLength > PENDING_BYTES_MAX;
    },
    close() {
      socket.end();
      // The end of the other side is only detected by reading.
      socket.resume();
      const late = setTimeout(() => socket.destroy(), CLOSE_MS);
      socket.once("close", () => clearTimeout(late));
    },
    closed,
  };
}

/** Reads messages while the consumer continues; invalid bytes close the socket. */
function readMessages(socket: Socket, take: (message: unknown) => void): void {
  let chunks: Buffer[] = [];
  let bytesRead = 0;
  let length: number | undefined;

  /** Undefined until this many bytes have arrived. */
  function next(bytes: number): Buffer | undefined {
    if (bytesRead < bytes) return undefined;
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(bytes)];
    bytesRead -= bytes;
    return all.subarray(0, bytes);
  }

  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytesRead += chunk.length;
    while (!socket.destroyed) {
      length ??= next(LENGTH_BYTES)?.readUInt32LE();
      if (length === undefined) return;
      const bytes = length > MESSAGE_BYTES_MAX ? Buffer.alloc(0) : next(length);
      if (!bytes) return;
      length = undefined;
      const message = decode(bytes);
      if (message) take(message.value);
      else socket.destroy();
    }
  });
}

function decode(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: deserialize(bytes) };
  } catch {
    return undefined;
  }
}
