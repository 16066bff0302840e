import type { IncomingMessage } from "node:http";

import type { Socket } from "socket.io";
import { z } from "zod";

import type { LiveFrame } from "#dashboards/api.ts";

import { BEHIND_MS_MAX, WAITING_ABSOLUTE_MAX, WAITING_MAX } from "./limits.ts";
import { MissedFrames } from "./missed-frames.ts";
import type { Outbox } from "./outbox.ts";
import { SocketTail } from "./socket-tail.ts";
import { isRefusal, type ViewerDeps } from "./viewer-deps.ts";

const ROOM = "live:";
const Watch = z.object({ dataset: z.string().max(200) });

/** The dataset whose viewers are in the room; undefined for other rooms. */
export const datasetOf = (room: string): string | undefined =>
  room.startsWith(ROOM) ? room.slice(ROOM.length) : undefined;

/** One socket: the board that it watches, and the events that it follows. */
export class Viewer {
  readonly #socket: Socket;
  readonly #deps: ViewerDeps;
  readonly #outbox: Outbox;
  readonly #tail: SocketTail;
  /** Undefined while it gets every frame. */
  #missed: MissedFrames | undefined;
  /** When messages began to wait for it; undefined while none do. */
  #behindSinceMs: number | undefined;

  constructor(socket: Socket, deps: ViewerDeps, outbox: Outbox) {
    this.#socket = socket;
    this.#deps = deps;
    this.#outbox = outbox;
    this.#tail = new SocketTail(socket, deps, () => this.#isFull);
    socket.on("watch", (message: unknown) => void this.#watch(message));
    socket.on("disconnect", () => this.#tail.end());
  }

  get #isFull(): boolean {
    return this.#outbox.waiting > WAITING_MAX;
  }

  /**
   * Drops the frame if the viewer reads too slowly, and joins it with the missed ones if it has caught up. False if it
   * is to be sent the frame with all other viewers.
   */
  handleIfBehind(frame: LiveFrame): boolean {
    if (this.#isFull) {
      this.#missed ??= new MissedFrames();
      this.#missed.add(frame);
      return true;
    }
    const missed = this.#missed;
    if (!missed) return false;
    this.#missed = undefined;
    if (missed.isTooMuch) this.#socket.emit("changed");
    this.#socket.emit("frame", missed.joinedWith(frame));
    return true;
  }

  /** Whether it has read so little for so long that it must be disconnected. */
  isStalled(): boolean {
    const { waiting } = this.#outbox;
    if (waiting > WAITING_ABSOLUTE_MAX) return true;
    if (waiting <= WAITING_MAX) {
      this.#behindSinceMs = undefined;
      return false;
    }
    const nowMs = this.#deps.clock.nowMs();
    this.#behindSinceMs ??= nowMs;
    return nowMs - this.#behindSinceMs >= BEHIND_MS_MAX;
  }

  renewTail(): void {
    this.#tail.renew();
  }

  get request(): IncomingMessage {
    return this.#socket.request;
  }

  /** Closes the socket or ends its tail if the member has lost the permission. */
  async recheck(): Promise<void> {
    try {
      await this.#deps.mayWatch(this.#socket.request);
    } catch (error) {
      if (!isRefusal(error)) return;
      this.#deps.log.info("a socket was closed because its member has lost the permission", {
        error,
      });
      this.#socket.disconnect(true);
    }
    await this.#tail.recheck();
  }

  async #watch(message: unknown): Promise<void> {
    const watch = Watch.safeParse(message);
    // A client that does not read cannot make more messages wait for it.
    if (!watch.success || this.#isFull) return;
    const socket = this.#socket;
    for (const room of socket.rooms) if (datasetOf(room) !== undefined) await socket.leave(room);
    const { dataset } = watch.data;
    this.#missed = undefined;
    await socket.join(`${ROOM}${dataset}`);
    // The changes since the board was loaded; later frames contain only subsequent changes.
    const { live, hasIndexer } = this.#deps.workspace();
    const frame = live.snapshot(dataset);
    socket.emit("frame", { ...frame, hasIndexer: hasIndexer() } satisfies LiveFrame);
  }
}
