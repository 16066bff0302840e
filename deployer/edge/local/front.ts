import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { BlockList, isIP, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";

import type { Colour } from "#deployer/drivers.ts";
import { systemClock } from "#platform/clock.ts";
import { listen } from "#platform/listen.ts";

import { isColour, PREVIEW_HEADER } from "../lane.ts";
import type { AccessLines } from "./access-lines.ts";
import { EdgeResponse, Exchange } from "./exchange.ts";
import type { Gate, Noted } from "./gate.ts";
import type { NodeSettings } from "./node-settings.ts";
import { hasBody } from "./request-body.ts";
import type { RunningWorkload } from "./running-workload.ts";
import { openTunnel } from "./tunnel.ts";

/** Requests beyond it, without tunnels, are refused: all of them together must fit into memory. */
const OPEN_MAX = 4_000;
const CONNECTIONS_MAX = 8_000;
const HEAD_BYTES_MAX = 32 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** For a whole request with its body. */
const REQUEST_MS_MAX = 10 * 60_000;
const LOOK_EVERY_MS = 500;
/** A WebSocket on which nothing came and nothing went for so long has no client any more. */
const TUNNEL_IDLE_MS_MAX = 3_600_000;

/** The port of a workload, and the clients that are connected to it. */
export class Front implements Gate {
  readonly workload: RunningWorkload;
  readonly settings: NodeSettings;
  isStopping = false;
  readonly #server: Server<typeof IncomingMessage, typeof EdgeResponse>;
  readonly #lines: AccessLines;
  readonly #control: BlockList;
  readonly #tunnels = new Set<Duplex>();
  #open = 0;

  constructor(workload: RunningWorkload, settings: NodeSettings, lines: AccessLines) {
    this.workload = workload;
    this.settings = settings;
    this.#lines = lines;
    this.#control = listOf(settings.controlNetworks);
    this.#server = createServer(
      {
        ServerResponse: EdgeResponse,
        headersTimeout: settings.headMs,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: LOOK_EVERY_MS,
        maxHeaderSize: HEAD_BYTES_MAX,
        optimizeEmptyRequests: true,
        // Only these leave HTTP; another protocol would carry requests past the edge.
        shouldUpgradeCallback: isWebSocket,
      },
      (request, response) => {
        if (this.#open - this.#tunnels.size >= OPEN_MAX) this.refuse(response, 503);
        else {
          this.#open += 1;
          new Exchange(this, request, response).begin();
        }
      },
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    // A client may be idle for as long as a task.
    this.#server.timeout = settings.responseMs;
    this.#server.on("upgrade", (request, socket, head) => {
      this.#open += 1;
      request.socket.setTimeout(TUNNEL_IDLE_MS_MAX, () => socket.destroy());
      this.#tunnels.add(socket);
      socket.once("close", () => this.#tunnels.delete(socket));
      openTunnel(this, { request, socket, head });
    });
  }

  listen(port: number): Promise<number> {
    return listen(this.#server, { host: this.settings.host, port, ifTaken: "fail" });
  }

  laneOf({ headers, socket }: IncomingMessage): Colour {
    const preview = headers[PREVIEW_HEADER];
    if (typeof preview === "string" && isColour(preview)) {
      const peer = socket.remoteAddress ?? "";
      if (this.#control.check(peer, isIP(peer) === 6 ? "ipv6" : "ipv4")) return preview;
    }
    return this.workload.laneOf(headers.cookie);
  }

  refuse(response: ServerResponse, status: number): void {
    const body = JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status });
    response.writeHead(status, {
      "content-type": "application/problem+json",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      ...(this.isStopping ? { connection: "close" } : {}),
    });
    response.end(body);
  }

  /** A request or tunnel has ended. */
  note(noted: Noted): void {
    this.#open -= 1;
    const { startMs, answeredMs, lane, status, end } = noted;
    const endMs = performance.now();
    // Not a steady clock: the deployer asks for what it counts since a time of the system.
    const atMs = systemClock.nowMs();
    // Not the end: streams and tunnels are open for as long as the client likes.
    const latencyMs = (answeredMs ?? endMs) - startMs;
    this.workload.traffic.add({
      timeMs: atMs,
      workload: this.workload.name,
      colour: lane,
      isError: status >= 500 || end === "SD",
      latencyMs,
      cache: undefined,
    });
    this.#lines.write({
      ...noted,
      atMs,
      totalMs: endMs - startMs,
      release: this.workload.releases[lane],
      workload: this.workload.name,
    });
  }

  /**
   * Accepts no more connections. Each open one is closed with its next response, as a client may be sending a request
   * on it just now. What is still open after this time is cut.
   */
  async stop(msMax: number): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => {
      // That of the HTTP server would also cut idle connections.
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
    const late = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const tunnel of this.#tunnels) tunnel.destroy();
    }, msMax);
    await closed;
    clearTimeout(late);
    this.#server.close();
  }
}

/** Its request has no body (RFC 6455, section 4.1), and may be sent again as any other GET. */
const isWebSocket = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === "websocket" &&
  request.method === "GET" &&
  !hasBody(request);

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
