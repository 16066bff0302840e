import type { Socket } from "node:net";

export type ConnectionLimits = {
  connectionsMax: number;
  /** Of one address. */
  perAddressMax: number;
  /** Bytes of incomplete events in all connections. */
  heldBytesMax: number;
  /** An event must be complete within this time after its first byte. */
  eventMsMax: number;
};

type Connection = {
  readonly socket: Socket;
  readonly address: string;
  heldBytes: number;
  /** When the incomplete event began, ms of a monotonic clock. */
  beganMs: number | undefined;
  hasSentEvents: boolean;
  /** Bytes have arrived that are not read yet. */
  isUnread: boolean;
};

/** Why a connection was closed by the receiver, for people. */
export type Closed = "too many connections" | "too many incomplete events" | "too slow";

/**
 * The connections of a listener. If there are too many, the one that has been open for the longest time without a complete
 * event is closed for the new one, so that connections that never send anything keep out nobody.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #onClosed: (why: Closed, address: string) => void;
  readonly #open = new Map<Socket, Connection>();
  /** Those without a complete event of which nothing waits to be read, the oldest first. */
  readonly #silent = new Set<Connection>();
  readonly #byAddress = new Map<string, number>();
  #heldBytes = 0;

  constructor(limits: ConnectionLimits, onClosed: (why: Closed, address: string) => void) {
    this.#limits = limits;
    this.#onClosed = onClosed;
  }

  get size(): number {
    return this.#open.size;
  }

  get sockets(): Iterable<Socket> {
    return this.#open.keys();
  }

  /** False if there is no place for it: it is closed then. */
  add(socket: Socket): boolean {
    const address = addressOf(socket);
    const { connectionsMax, perAddressMax } = this.#limits;
    const isFull = this.#open.size >= connectionsMax;
    if (isFull || (this.#byAddress.get(address) ?? 0) >= perAddressMax) {
      const silent = [...this.#silent].find((it) => isFull || it.address === address);
      this.#close(silent?.socket ?? socket, "too many connections", address);
      if (!silent) return false;
    }
    const connection = {
      socket,
      address,
      heldBytes: 0,
      beganMs: undefined,
      hasSentEvents: false,
      isUnread: false,
    };
    this.#open.set(socket, connection);
    this.#silent.add(connection);
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    socket.once("close", () => this.#remove(connection));
    return true;
  }

  /** The connection below an encrypted one. */
  below({ remoteAddress, remotePort }: Socket): Socket | undefined {
    for (const socket of this.#open.keys()) {
      if (socket.remotePort === remotePort && socket.remoteAddress === remoteAddress) return socket;
    }
    return undefined;
  }

  /** To be called when bytes have arrived, which may be a complete event: only `read` tells. */
  arrived(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (!connection) return;
    connection.isUnread = true;
    if (!connection.hasSentEvents) this.#silent.delete(connection);
  }

  /** To be called after bytes were read: how many of them wait for the rest of an event, and whether events are complete. */
  read(socket: Socket, { heldBytes, hasEvents }: { heldBytes: number; hasEvents: boolean }): void {
    const connection = this.#open.get(socket);
    if (!connection) return;
    connection.isUnread = false;
    connection.hasSentEvents ||= hasEvents;
    if (connection.hasSentEvents) this.#silent.delete(connection);
    else this.#silent.add(connection);
    if (heldBytes === 0) connection.beganMs = undefined;
    else if (hasEvents || connection.beganMs === undefined) connection.beganMs = performance.now();
    this.#heldBytes += heldBytes - connection.heldBytes;
    connection.heldBytes = heldBytes;
    if (this.#heldBytes <= this.#limits.heldBytesMax) return;
    this.#close(socket, "too many incomplete events", connection.address);
  }

  /** Closes connections whose event is not complete in time. To be called now and then. */
  closeSlow(): void {
    const before = performance.now() - this.#limits.eventMsMax;
    for (const { socket, beganMs = Infinity, isUnread, address } of this.#open.values()) {
      // The rest of its event may have arrived, and cannot be kept now.
      if (beganMs < before && !isUnread) this.#close(socket, "too slow", address);
    }
  }

  #close(socket: Socket, why: Closed, address: string): void {
    const connection = this.#open.get(socket);
    if (connection) this.#remove(connection);
    socket.destroy();
    this.#onClosed(why, address);
  }

  #remove(connection: Connection): void {
    if (!this.#open.delete(connection.socket)) return;
    this.#silent.delete(connection);
    this.#heldBytes -= connection.heldBytes;
    const left = (this.#byAddress.get(connection.address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(connection.address, left);
    else this.#byAddress.delete(connection.address);
  }
}

/** Connections to a Unix domain socket have no address. */
export const addressOf = ({ remoteAddress }: Socket): string =>
  remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "this machine";
