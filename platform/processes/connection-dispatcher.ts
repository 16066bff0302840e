import type { ChildProcess } from "node:child_process";
import { type Server, type Socket, createServer } from "node:net";

import { type ListenOptions, hostOf, listen } from "../listen.ts";
import { openPendingConnections } from "./pending-connections.ts";
import type { ToWorker } from "./protocol.ts";

/** Accepts the connections on a port and passes them to worker processes in turn. */
export type ConnectionDispatcher = {
  url: string;
  /** The worker gets a share of the connections from now on. */
  add(worker: ChildProcess): void;
  /** The worker gets no more connections. */
  drain(worker: ChildProcess): void;
  /** The worker has exited: the connections that it had not accepted go to other workers. */
  remove(worker: ChildProcess): void;
  /** The worker owns the connection now. */
  accepted(worker: ChildProcess, id: number): void;
  /** The worker rejects the connection, which goes to another one. */
  rejected(worker: ChildProcess, id: number): void;
  /** Stops listening, and closes the connections that no worker has accepted. */
  close(): void;
};

/** `unaccepted`: connections that were sent to the worker and are not confirmed yet. */
type Receiver = { worker: ChildProcess; draining: boolean; unaccepted: Map<number, Socket> };

/**
 * Listens independently of the workers. Until the first one is ready, requests are answered with 503; while all are
 * being replaced, connections are pending.
 * @throws AppError when the port cannot be used
 */
export async function openDispatcher(options: ListenOptions): Promise<ConnectionDispatcher> {
  // Paused, so that the worker reads the first byte.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const port = await listen(server, options);
  return new Dispatcher(server, `http://${hostOf(options.host)}:${port}`);
}

class Dispatcher implements ConnectionDispatcher {
  readonly url: string;
  readonly #server: Server;
  readonly #receivers = new Map<ChildProcess, Receiver>();
  readonly #pending = openPendingConnections();
  #hasServed = false;
  #turn = 0;
  #lastId = 0;

  constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      this.#dispatch(socket);
    });
  }

  add(worker: ChildProcess): void {
    this.#hasServed = true;
    this.#receivers.set(worker, { worker, draining: false, unaccepted: new Map() });
    for (const socket of this.#pending.takeAll()) this.#dispatch(socket);
  }

  drain(worker: ChildProcess): void {
    const receiver = this.#receivers.get(worker);
    if (receiver) receiver.draining = true;
  }

  remove(worker: ChildProcess): void {
    const receiver = this.#receivers.get(worker);
    this.#receivers.delete(worker);
    for (const socket of receiver?.unaccepted.values() ?? []) this.#dispatch(socket);
  }

  accepted(worker: ChildProcess, id: number): void {
    // Closes only our copy of the handle.
    this.#takeUnaccepted(worker, id)?.destroy();
  }

  rejected(worker: ChildProcess, id: number): void {
    const socket = this.#takeUnaccepted(worker, id);
    if (socket) this.#dispatch(socket);
  }

  close(): void {
    // Not awaited: Node reports the close only after each worker has confirmed every socket that was sent to it, which
    // a killed worker never does. The port is free immediately.
    this.#server.close();
    this.#pending.close();
  }

  #dispatch(socket: Socket): void {
    const receiver = this.#nextReceiver();
    if (receiver === undefined) {
      if (this.#hasServed) this.#pending.add(socket);
      else this.#pending.refuse(socket);
      return;
    }
    this.#lastId += 1;
    receiver.unaccepted.set(this.#lastId, socket);
    const message: ToWorker = { type: "connection", id: this.#lastId };
    // Our handle stays open until the worker accepts, so that `remove` can dispatch it again when the worker dies.
    receiver.worker.send(message, socket, { keepOpen: true }, () => undefined);
  }

  /** A worker that accepts nothing counts as hung and is skipped, as long as others accept. */
  #nextReceiver(): Receiver | undefined {
    const ready = [...this.#receivers.values()].filter((it) => !it.draining && it.worker.connected);
    const fewest = Math.min(...ready.map((it) => it.unaccepted.size));
    const candidates = ready.filter((it) => it.unaccepted.size === fewest);
    this.#turn += 1;
    return candidates[this.#turn % Math.max(1, candidates.length)];
  }

  #takeUnaccepted(worker: ChildProcess, id: number): Socket | undefined {
    const unaccepted = this.#receivers.get(worker)?.unaccepted;
    const socket = unaccepted?.get(id);
    unaccepted?.delete(id);
    return socket;
  }
}
