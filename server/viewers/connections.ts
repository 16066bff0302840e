import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Socket as TcpSocket } from "node:net";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";

import { MESSAGES, SOCKETS_MAX, SOCKETS_OF_MEMBER_MAX, WAITING_ABSOLUTE_MAX } from "./limits.ts";
import { type Connection, Outbox } from "./outbox.ts";

type Open = { outbox: Outbox; member: string };

/** The connections below the sockets: at most some for each member, and a limit for what each sends and makes wait. */
export class Connections {
  readonly #clock: Clock;
  readonly #open = new Map<Connection, Open>();
  readonly #upgraded = new Set<TcpSocket>();
  /** The member who was admitted by the request of a handshake. */
  readonly #members = new WeakMap<IncomingMessage, string>();

  constructor(http: HttpServer, clock: Clock) {
    this.#clock = clock;
    http.on("upgrade", (_request, socket: TcpSocket) => {
      this.#upgraded.add(socket);
      socket.once("close", () => this.#upgraded.delete(socket));
    });
  }

  /** @throws AppError when the member, or all members together, have too many */
  admit(request: IncomingMessage, member: string): void {
    if (!this.#hasRoomFor(member)) {
      throw new AppError("too_many_requests", "Too many pages are open at once. Close some.");
    }
    this.#members.set(request, member);
  }

  add(connection: Connection): void {
    const member = this.#members.get(connection.request) ?? "";
    // Several may have been admitted at the same time.
    if (!this.#hasRoomFor(member)) return connection.close(true);
    this.#open.set(connection, { outbox: new Outbox(connection), member });
    connection.once("close", () => this.#open.delete(connection));
    const limit = createRateLimit(MESSAGES, this.#clock);
    connection.on("packet", () => {
      try {
        limit.take("");
      } catch {
        connection.close(true);
      }
    });
  }

  outboxOf(connection: Connection): Outbox {
    return this.#open.get(connection)?.outbox ?? new Outbox(connection);
  }

  /** Closes connections for which too much waits, also below Socket.IO, such as responses to pings of the client. */
  closeOverfull(): void {
    for (const [connection, { outbox }] of this.#open) {
      if (outbox.waiting > WAITING_ABSOLUTE_MAX) connection.close(true);
    }
    for (const socket of this.#upgraded) {
      if (socket.writableLength > 2 * WAITING_ABSOLUTE_MAX) socket.destroy();
    }
  }

  #hasRoomFor(member: string): boolean {
    if (this.#open.size >= SOCKETS_MAX) return false;
    let count = 0;
    for (const open of this.#open.values()) if (open.member === member) count += 1;
    return count < SOCKETS_OF_MEMBER_MAX;
  }
}
