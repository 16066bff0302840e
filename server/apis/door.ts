import type { ChildProcess } from "node:child_process";
import { type Server, type Socket, createServer } from "node:net";

import { AppError } from "#platform/errors.ts";

import { listen } from "../listen.ts";
import type { ToWorker } from "./protocol.ts";
import { openWaitingRoom } from "./waiting-room.ts";

/** Where the connections to a service come in; they are handed to its workers in turn. */
export type Door = {
  url: string;
  /** From now on the worker gets its share. */
  open(worker: ChildProcess): void;
  /** No more for this worker. */
  shut(worker: ChildProcess): void;
  /** The worker has ended: what it had not taken goes to the others. */
  gone(worker: ChildProcess): void;
  /** The worker does not take this connection: it goes to another. */
  refused(worker: ChildProcess, id: number): void;
  /** The worker has this connection now. */
  taken(worker: ChildProcess, id: number): void;
  /** Nobody comes in any more; what no worker has taken is closed. */
  close(): void;
};

export type DoorOptions = {
  host: string;
  port: number;
  /** Where the port is taken: the next free one, or an error that says so. */
  ifTaken: "next" | "fail";
};

/** `handed`: on their way to it, not taken yet. */
type Receiver = { worker: ChildProcess; open: boolean; handed: Map<number, Socket> };

/**
 * Listens, whatever happens to the workers: while none is there, connections wait.
 * @throws AppError when the port cannot be had
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  // Nothing is read here: a worker reads.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const port = await portOf(server, options);
  const receivers = new Map<ChildProcess, Receiver>();
  const waiting = openWaitingRoom();
  let turn = 0;
  let lastId = 0;

  function hand(socket: Socket): void {
    const open = [...receivers.values()].filter((it) => it.open && it.worker.connected);
    turn += 1;
    // One that takes nothing hangs: while others do, it gets no more.
    const least = Math.min(...open.map((it) => it.handed.size));
    const free = open.filter((it) => it.handed.size === least);
    const receiver = free[turn % Math.max(1, free.length)];
    if (receiver === undefined) {
      waiting.enter(socket);
      return;
    }
    lastId += 1;
    receiver.handed.set(lastId, socket);
    const message: ToWorker = { type: "connection", id: lastId };
    // Ours stays open until it is taken; a worker that is just dying takes nothing, and `gone` hands it on.
    receiver.worker.send(message, socket, { keepOpen: true }, () => undefined);
  }

  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    hand(socket);
  });
  return {
    url: `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`,
    open(worker) {
      receivers.set(worker, { worker, open: true, handed: new Map() });
      for (const socket of waiting.leave()) hand(socket);
    },
    shut(worker) {
      const receiver = receivers.get(worker);
      if (receiver) receiver.open = false;
    },
    gone(worker) {
      const receiver = receivers.get(worker);
      receivers.delete(worker);
      for (const socket of receiver?.handed.values() ?? []) hand(socket);
    },
    refused(worker, id) {
      const handed = receivers.get(worker)?.handed;
      const socket = handed?.get(id);
      handed?.delete(id);
      if (socket) hand(socket);
    },
    taken(worker, id) {
      const handed = receivers.get(worker)?.handed;
      // Closes our copy of it alone.
      handed?.get(id)?.destroy();
      handed?.delete(id);
    },
    close() {
      // Node says that a server is closed only when it has heard of every connection that it sent to a process, which
      // one that was killed never tells. The port is free at once; who ends the workers knows when they are done.
      server.close();
      waiting.close();
    },
  };
}

async function portOf(server: Server, { host, port, ifTaken }: DoorOptions): Promise<number> {
  if (ifTaken === "next") return listen(server, { host, port });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be used (${error.message})`;
      const message = `Port ${port} of ${host} ${why}: end what listens there, or choose another one with --port.`;
      reject(new AppError("unavailable", message, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}
