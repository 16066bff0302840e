import { type ClientRequest, type IncomingMessage, request as sendRequest } from "node:http";
import type { Duplex } from "node:stream";

import type { Colour } from "#deployer/drivers.ts";

import { LANE_HEADER, RELEASE_HEADER } from "../lane.ts";
import { forwardedHeaders } from "./forwarded-head.ts";
import { type Gate, peerOf } from "./gate.ts";
import type { RunningSlot } from "./running-slot.ts";
import type { Session, Target } from "./target.ts";

const RETRIES_MAX = 3;

export type Upgrade = { request: IncomingMessage; socket: Duplex; head: Buffer };

export const openTunnel = (gate: Gate, upgrade: Upgrade): void => new Tunnel(gate, upgrade).begin();

/** A WebSocket: a request that leaves HTTP when the task agrees, and then carries bytes in both directions. */
class Tunnel implements Session {
  readonly #gate: Gate;
  readonly #upgrade: Upgrade;
  readonly #startMs = performance.now();
  readonly #lane: Colour;
  readonly #tried: RunningSlot[] = [];
  #target: Target | undefined;
  #sent: ClientRequest | undefined;
  #upstream: Duplex | undefined;
  #status = 0;
  #answeredMs: number | undefined;
  #isOver = false;

  constructor(gate: Gate, upgrade: Upgrade) {
    this.#gate = gate;
    this.#upgrade = upgrade;
    this.#lane = gate.laneOf(upgrade.request);
  }

  begin(): void {
    const { socket } = this.#upgrade;
    socket.on("error", () => undefined);
    socket.on("close", () => this.#finish("CD"));
    socket.on("readable", this.#onReadable);
    this.#attempt();
  }

  close(): void {
    this.#upgrade.socket.destroy();
  }

  /** Until the task has answered, what the client sends stays there, and it is noticed only like this that it has gone. */
  readonly #onReadable = (): void => {
    if (this.#upgrade.socket.readableLength === 0) this.close();
  };

  #attempt(): void {
    const { request } = this.#upgrade;
    const slot = this.#gate.workload.pick(this.#lane, this.#tried);
    const headers = this.#headersFor(slot);
    if (slot?.target === undefined || headers === undefined || !request.url?.startsWith("/")) {
      this.#refuse(headers === undefined ? 400 : 503);
      return;
    }
    this.#tried.push(slot);
    const { target } = slot;
    this.#target = target;
    target.sessions.add(this);
    const sent = sendRequest({
      host: target.address.slice(0, target.address.lastIndexOf(":")),
      port: target.address.slice(target.address.lastIndexOf(":") + 1),
      method: request.method ?? "GET",
      path: request.url,
      headers,
      agent: false,
      setDefaultHeaders: false,
    });
    this.#sent = sent;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      sent.destroy();
    }, this.#gate.settings.responseMs);
    sent.on("upgrade", (response, upstream, head) => {
      clearTimeout(late);
      slot.succeeded();
      this.#connect(response, upstream, head);
    });
    sent.on("response", (response) => {
      clearTimeout(late);
      slot.succeeded();
      this.#answer(response);
    });
    sent.on("error", () => {
      clearTimeout(late);
      target.sessions.delete(this);
      if (this.#isOver || this.#status !== 0) return;
      // As with any other request, a client that asks for what takes long must not take the task out of service.
      if (!isLate) slot.failed();
      if (this.#tried.length <= RETRIES_MAX) this.#attempt();
      else this.#refuse(isLate ? 504 : 502);
    });
    sent.end();
  }

  #headersFor(slot: RunningSlot | undefined): string[] | undefined {
    const { request } = this.#upgrade;
    const forwarded = request.headers["x-forwarded-for"];
    const headers = forwardedHeaders({
      rawHeaders: request.rawHeaders,
      connection: request.headers.connection,
      forwardedFor: typeof forwarded === "string" ? forwarded : undefined,
      peer: peerOf(request),
    });
    const colour = slot?.colour ?? this.#lane;
    const release = this.#gate.workload.releases[colour];
    headers?.push("connection", "upgrade", "upgrade", "websocket", LANE_HEADER, colour);
    if (release !== null) headers?.push(RELEASE_HEADER, release);
    return headers;
  }

  #connect(response: IncomingMessage, upstream: Duplex, head: Buffer): void {
    const { socket, head: first } = this.#upgrade;
    this.#upstream = upstream;
    upstream.on("error", () => undefined);
    if (this.#isOver) {
      upstream.destroy();
      return;
    }
    this.#answeredMs = performance.now();
    this.#status = 101;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\n${linesOf(response.rawHeaders)}\r\n`,
      "latin1",
    );
    socket.write(head);
    socket.off("readable", this.#onReadable);
    upstream.write(first);
    upstream.pipe(socket);
    socket.pipe(upstream);
    upstream.on("close", () => socket.destroy());
  }

  /** The task does not agree: its response ends the connection, as nothing else may follow. */
  #answer(response: IncomingMessage): void {
    const { socket } = this.#upgrade;
    this.#answeredMs = performance.now();
    this.#status = response.statusCode ?? 502;
    const kept = response.rawHeaders.flatMap((name, at, all) =>
      at % 2 === 0 && !/^(?:connection|keep-alive|transfer-encoding|upgrade)$/i.test(name)
        ? [name, all[at + 1] ?? ""]
        : [],
    );
    const lines = linesOf([...kept, "connection", "close"]);
    socket.write(`HTTP/1.1 ${this.#status} ${response.statusMessage}\r\n${lines}\r\n`, "latin1");
    response.on("error", () => socket.destroy());
    response.pipe(socket);
  }

  #refuse(status: number): void {
    this.#status = status;
    this.#upgrade.socket.end(
      `HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
  }

  #finish(end: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#target?.sessions.delete(this);
    this.#sent?.destroy();
    this.#upstream?.destroy();
    const { request } = this.#upgrade;
    this.#gate.note({
      startMs: this.#startMs,
      client: peerOf(request),
      method: request.method ?? "",
      url: request.url ?? "",
      status: this.#status,
      lane: this.#tried[0]?.colour ?? this.#lane,
      slot: this.#tried.at(-1)?.label ?? "<NOSRV>",
      retries: Math.max(0, this.#tried.length - 1),
      connectMs: -1,
      answeredMs: this.#answeredMs,
      responseMs: this.#answeredMs === undefined ? -1 : this.#answeredMs - this.#startMs,
      bytesSent: 0,
      end,
    });
  }
}

function linesOf(raw: readonly string[]): string {
  let lines = "";
  for (let at = 0; at < raw.length; at += 2) lines += `${raw[at]}: ${raw[at + 1]}\r\n`;
  return lines;
}
