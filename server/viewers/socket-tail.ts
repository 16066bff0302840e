import type { Socket } from "socket.io";
import { z } from "zod";

import type { Filter } from "#pipeline/filter.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import type { EventDocument } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";

import type { Workspace } from "../workspace.ts";
import { isRefusal, type ViewerDeps } from "./viewer-deps.ts";

const EVENTS_PER_SECOND_MAX = 50;

const Tail = z.object({ q: z.string().max(4_000) });

/** The tail of raw events of one socket, while its member has the permission. */
export class SocketTail {
  readonly #socket: Socket;
  readonly #deps: ViewerDeps;
  readonly #isBehind: () => boolean;
  #running: { workspace: TailedWorkspace; filter: Filter; stop: () => void } | undefined;
  /** Number of requests and stops, by which a request detects that it was superseded. */
  #changes = 0;

  /** While `isBehind`, events are only counted. */
  constructor(socket: Socket, deps: ViewerDeps, isBehind: () => boolean) {
    this.#socket = socket;
    this.#deps = deps;
    this.#isBehind = isBehind;
    socket.on("tail", (message: unknown) => void this.#request(message));
    socket.on("untail", () => this.end());
  }

  /** Continues in the current workspace after a replacement. */
  renew(): void {
    const running = this.#running;
    if (!running || running.workspace === this.#deps.workspace()) return;
    running.stop();
    this.#start(running.filter);
  }

  async recheck(): Promise<void> {
    if (!this.#running) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
    } catch (error) {
      if (isRefusal(error)) this.#refuse(error);
    }
  }

  end(): void {
    this.#changes += 1;
    this.#running?.stop();
    this.#running = undefined;
  }

  async #request(message: unknown): Promise<void> {
    this.end();
    const change = this.#changes;
    const request = Tail.safeParse(message);
    if (!request.success) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
      if (change !== this.#changes || !this.#socket.connected) return;
      this.#start(parseQuery(request.data.q));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #start(filter: Filter): void {
    const workspace = this.#deps.workspace();
    const stop = workspace.tail(filter, this.#sender());
    this.#running = { workspace, filter, stop };
  }

  /** Sends as many events per second as a person can read, and the number of the skipped ones. */
  #sender(): (events: EventDocument[], skipped: number) => void {
    let second = 0;
    let inSecond = 0;
    let missed = 0;
    return (events, skipped) => {
      missed += skipped;
      if (this.#isBehind()) {
        missed += events.length;
        return;
      }
      const now = Math.floor(performance.now() / 1000);
      if (now !== second) inSecond = 0;
      second = now;
      const free = Math.max(0, EVENTS_PER_SECOND_MAX - inSecond);
      const sent = free === 0 ? [] : events.slice(-free);
      inSecond += sent.length;
      this.#socket.emit("tail", { events: sent, skipped: missed + events.length - sent.length });
      missed = 0;
    };
  }

  #refuse(error: unknown): void {
    this.end();
    const detail = error instanceof AppError ? error.message : "the search cannot be followed";
    this.#socket.emit("tail-refused", { detail });
  }
}

type TailedWorkspace = Pick<Workspace, "tail">;
