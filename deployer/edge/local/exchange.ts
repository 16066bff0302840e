import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { Dispatcher } from "undici";

import type { Colour } from "#deployer/drivers.ts";
import { errorCode } from "#platform/errors.ts";

import { KEY_HEADER, LANE_HEADER, RELEASE_HEADER } from "../lane.ts";
import { answeredHeaders, forwardedHeaders } from "./forwarded-head.ts";
import { type Gate, peerOf } from "./gate.ts";
import { ArrivingBody, hasBody, readBody, type RequestBody } from "./request-body.ts";
import type { RunningSlot } from "./running-slot.ts";
import type { Session, Target } from "./target.ts";

const RETRIES_MAX = 3;
/** Before a task is asked again because there is no other. */
const SAME_TASK_MS = 100;
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Small responses are sent by one write. */
const JOINED_BYTES_MAX = 16 * 1024;
const TIMEOUT = "UND_ERR_HEADERS_TIMEOUT";
/** A reason phrase that a response may have (RFC 9112, 4). */
const REASON = /^[\t\x20-\x7E\x80-\xFF]*$/;
const REFUSED: ReadonlySet<string> = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);

/** A response that knows its exchange, so that its events need no closures. */
export class EdgeResponse extends ServerResponse {
  exchange: Exchange | undefined;
}

function onClose(this: EdgeResponse): void {
  this.exchange?.clientClosed();
}

function onTimeout(this: EdgeResponse, socket: Socket): void {
  this.exchange?.socketIsIdle(socket);
}

/**
 * One request of a client, and the response of the task that answers it. Sent to another task if the first one cannot
 * be connected to; or if it closes the connection or takes too long before it answers, and the request is idempotent or
 * has a key, and its body is still there.
 */
export class Exchange implements Dispatcher.DispatchHandler, Session {
  readonly #gate: Gate;
  readonly #request: IncomingMessage;
  readonly #response: EdgeResponse;
  readonly #startMs: number;
  readonly #lane: Colour;
  readonly #isRepeatable: boolean;
  readonly #tried: RunningSlot[] = [];
  #headers: string[] = [];
  #body: RequestBody = null;
  #slot: RunningSlot | undefined;
  #target: Target | undefined;
  #abort: ((reason?: Error) => void) | undefined;
  #attemptMs = 0;
  #connectMs = -1;
  #answeredMs: number | undefined;
  #bytes = 0;
  /** Of the response, if it says so. */
  #length = -1;
  #isSent = false;
  #isAnswered = false;
  #isOver = false;

  constructor(gate: Gate, request: IncomingMessage, response: EdgeResponse) {
    this.#gate = gate;
    this.#request = request;
    this.#response = response;
    this.#startMs = performance.now();
    this.#lane = gate.laneOf(request);
    this.#isRepeatable =
      IDEMPOTENT.has(request.method ?? "") || request.headers[KEY_HEADER] !== undefined;
  }

  begin(): void {
    const { headers, rawHeaders } = this.#request;
    const forwarded = headers["x-forwarded-for"];
    const sent = forwardedHeaders({
      rawHeaders,
      connection: headers.connection,
      forwardedFor: typeof forwarded === "string" ? forwarded : undefined,
      peer: peerOf(this.#request),
    });
    this.#response.exchange = this;
    this.#response.on("close", onClose);
    this.#response.on("timeout", onTimeout);
    if (sent === undefined || this.#request.url?.startsWith("/") !== true) {
      this.#refuse(400, "PR");
      return;
    }
    this.#headers = sent;
    if (!hasBody(this.#request)) this.#attempt();
    else readBody(this.#request, (body) => this.#withBody(body));
  }

  #withBody(body: RequestBody): void {
    if (this.#isOver) return;
    this.#body = body;
    this.#attempt();
  }

  #attempt(): void {
    const slot = this.#gate.workload.pick(this.#lane, this.#tried);
    const target = slot?.target;
    if (slot === undefined || target === undefined) {
      this.#refuse(503, "SC");
      return;
    }
    const isAgain = this.#tried.includes(slot);
    this.#tried.push(slot);
    this.#slot = slot;
    this.#target = target;
    target.sessions.add(this);
    if (isAgain) setTimeout(() => this.#send(slot, target), SAME_TASK_MS);
    else this.#send(slot, target);
  }

  #send(slot: RunningSlot, target: Target): void {
    if (this.#isOver) return;
    const { method = "GET", url = "/" } = this.#request;
    const { colour } = slot;
    const release = this.#gate.workload.releases[colour];
    const headers = [...this.#headers, LANE_HEADER, colour];
    if (release !== null) headers.push(RELEASE_HEADER, release);
    this.#attemptMs = performance.now();
    this.#isSent = false;
    // A second attempt that met a closed connection too would cost the lane its last task.
    const mayMeetClosed =
      this.#isRepeatable && this.#tried.length === 1 && !(this.#body instanceof ArrivingBody);
    target.send({ path: url, method, headers, body: this.#body, mayMeetClosed }, this);
  }

  /** Whether the body is still there, or there is none. */
  get #isKept(): boolean {
    return this.#body === null || Buffer.isBuffer(this.#body) || !this.#body.isRead;
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    this.#isSent = true;
    this.#connectMs = performance.now() - this.#attemptMs;
    if (this.#isOver) abort();
  }

  // oxlint-disable-next-line max-params -- as undici calls it
  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    if (this.#isOver) return true;
    const headers = answeredHeaders(raw);
    if (status < 200) {
      if (status > 101 && this.#request.httpVersionMinor > 0) this.#interim(status, headers);
      return true;
    }
    this.#answeredMs = performance.now();
    this.#length = lengthIn(headers);
    this.#slot?.succeeded();
    this.#response.on("drain", resume);
    this.#response.sendDate = false;
    if (this.#gate.isStopping) headers.push("connection", "close");
    this.#response.writeHead(status, REASON.test(statusText) ? statusText : "", headers);
    this.#isAnswered = true;
    return true;
  }

  #interim(status: number, headers: readonly string[]): void {
    const fields: Record<string, string> = {};
    for (let at = 0; at < headers.length; at += 2)
      fields[headers[at] ?? ""] = headers[at + 1] ?? "";
    this.#response.writeInformation(status, fields);
  }

  onData(chunk: Buffer): boolean {
    const isFirst = this.#bytes === 0;
    this.#bytes += chunk.length;
    if (isFirst && chunk.length <= JOINED_BYTES_MAX && this.#length === chunk.length) {
      // As text it leaves with the head in one write.
      this.#response.end(chunk.toString("latin1"), "latin1");
      return true;
    }
    return this.#response.write(chunk);
  }

  onComplete(trailers: Buffer[] | string[] | null): void {
    if (this.#isOver) return;
    if (trailers !== null && trailers.length > 0) this.#response.addTrailers(pairsOf(trailers));
    if (!this.#response.writableEnded) this.#response.end();
    this.#finish(this.#response.statusCode, "--");
  }

  onError(error: Error): void {
    if (this.#isOver) return;
    this.#target?.sessions.delete(this);
    const code = errorCode(error) ?? "";
    if (this.#isAnswered) {
      this.#response.destroy();
      this.#finish(this.#response.statusCode, "SD");
    } else if (REFUSED.has(code)) {
      this.#refuse(400, "PR");
    } else {
      this.#retryOrRefuse(code === TIMEOUT);
    }
  }

  #retryOrRefuse(isTimeout: boolean): void {
    if (!isTimeout) this.#slot?.failed();
    const mayRepeat = this.#isKept && (this.#isRepeatable || !this.#isSent);
    if (mayRepeat && this.#tried.length <= RETRIES_MAX) this.#attempt();
    else if (isTimeout) this.#refuse(504, "sH");
    else this.#refuse(this.#isSent ? 502 : 503, this.#isSent ? "SH" : "SC");
  }

  /** The response was sent, or the client is gone. */
  clientClosed(): void {
    if (this.#isOver) return;
    this.#finish(this.#isAnswered ? this.#response.statusCode : 0, "CD");
    this.#abort?.();
  }

  /** Nothing came from the client and nothing went to it for a while. A task may take its time, and a client not. */
  socketIsIdle(socket: Socket): void {
    const isBodyMissing = !this.#request.complete && this.#request.readableLength === 0;
    if (isBodyMissing && !this.#isAnswered && !this.#isOver) {
      this.#response.shouldKeepAlive = false;
      this.#refuse(408, "cR");
      this.#abort?.();
    } else if (socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(socket.timeout ?? 0);
  }

  close(): void {
    if (this.#isOver) return;
    this.#response.destroy();
  }

  #refuse(status: number, end: string): void {
    this.#gate.refuse(this.#response, status);
    this.#finish(status, end);
  }

  #finish(status: number, end: string): void {
    this.#isOver = true;
    this.#target?.sessions.delete(this);
    // The client may still be sending its body, and reads the response then.
    if (!this.#request.complete) this.#request.resume();
    const { method = "", url = "" } = this.#request;
    this.#gate.note({
      startMs: this.#startMs,
      client: peerOf(this.#request),
      method,
      url,
      status,
      lane: this.#tried[0]?.colour ?? this.#lane,
      slot: this.#slot?.label ?? "<NOSRV>",
      retries: Math.max(0, this.#tried.length - 1),
      connectMs: this.#connectMs,
      answeredMs: this.#answeredMs,
      responseMs: this.#answeredMs === undefined ? -1 : this.#answeredMs - this.#attemptMs,
      bytesSent: this.#bytes,
      end,
    });
  }
}

function lengthIn(headers: readonly string[]): number {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? "";
    if (name.length === 14 && name.toLowerCase() === "content-length")
      return Number(headers[at + 1]);
  }
  return -1;
}

function pairsOf(raw: readonly (Buffer | string)[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) {
    pairs.push([String(raw[at] ?? ""), String(raw[at + 1] ?? "")]);
  }
  return pairs;
}
