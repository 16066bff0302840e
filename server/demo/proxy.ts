import { createWriteStream, type WriteStream } from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { isIP } from "node:net";

import { listenLoopback } from "./listen.ts";
import { accessLine, type UpstreamTry } from "./log-line.ts";

/** The reverse proxy in front of the instances, which writes the access log. */
export type Proxy = {
  kind: "nginx" | "built-in";
  port: number;
  /** Reopens the log file after a rename. */
  reopenLog(): void;
  stop(): Promise<void>;
};
export type ProxyOptions = { logPath: string; upstreamPorts: readonly number[] };

const BODY_BYTES_MAX = 64 * 1024;
const UPSTREAM_TIMEOUT_MS = 10_000;
const DOWN_MS = 5_000;
const HOP_HEADERS = ["connection", "keep-alive", "transfer-encoding", "upgrade", "x-user"];

type Upstream = { port: number; address: string; downUntilMs: number };
/** `user` comes from the service's X-User header. */
type Reply = { status: number; headers: OutgoingHttpHeaders; body: Buffer; user: string };
type Exchange = { request: IncomingMessage; response: ServerResponse; startMs: number };

/**
 * A small reverse proxy for machines without nginx: round robin over the instances. An instance that does not respond is
 * skipped for a while, and the request is sent to the next one.
 */
export async function startBuiltInProxy(options: ProxyOptions): Promise<Proxy> {
  const proxy = new BuiltInProxy(options);
  const server = createServer((request, response) => {
    const exchange = { request, response, startMs: Date.now() };
    proxy.handle(exchange).catch(() => response.destroy());
  });
  const port = await listenLoopback(server, 0);
  return {
    kind: "built-in",
    port,
    reopenLog: () => proxy.reopenLog(),
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await proxy.close();
    },
  };
}

const newUpstream = (port: number): Upstream => ({
  port,
  address: `127.0.0.1:${port}`,
  downUntilMs: 0,
});

class BuiltInProxy {
  readonly #upstreams: readonly Upstream[];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #logPath: string;
  #log: WriteStream;
  #turn = 0;

  constructor({ upstreamPorts, logPath }: ProxyOptions) {
    this.#upstreams = upstreamPorts.map(newUpstream);
    this.#logPath = logPath;
    this.#log = createWriteStream(logPath, { flags: "a" });
  }

  reopenLog(): void {
    this.#log.end();
    this.#log = createWriteStream(this.#logPath, { flags: "a" });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await new Promise<void>((done) => this.#log.end(done));
  }

  async handle(exchange: Exchange): Promise<void> {
    const tries: UpstreamTry[] = [];
    const body = await readAll(exchange.request, BODY_BYTES_MAX);
    const reply = body
      ? await this.#forward(exchange.request, body, tries)
      : ownReply(413, "Request Entity Too Large\n");
    exchange.response.writeHead(reply.status, {
      ...reply.headers,
      "content-length": reply.body.length,
    });
    exchange.response.end(reply.body);
    this.#write(exchange, reply, tries);
  }

  async #forward(request: IncomingMessage, body: Buffer, tries: UpstreamTry[]): Promise<Reply> {
    const order = this.#order();
    const mayRepeat = request.method === "GET" || request.method === "HEAD";
    for (const upstream of mayRepeat ? order : order.slice(0, 1)) {
      const startMs = Date.now();
      const note = (status: number): void => {
        tries.push({ address: upstream.address, status, durationMs: Date.now() - startMs });
      };
      try {
        const reply = await this.#ask(upstream, request, body);
        note(reply.status);
        return reply;
      } catch {
        upstream.downUntilMs = Date.now() + DOWN_MS;
        note(502);
      }
    }
    return ownReply(502, "Bad Gateway\n");
  }

  /** The instances that are up, the next in turn first; all instances if none is up. */
  #order(): Upstream[] {
    this.#turn = (this.#turn + 1) % this.#upstreams.length;
    const turned = [...this.#upstreams.slice(this.#turn), ...this.#upstreams.slice(0, this.#turn)];
    const up = turned.filter((upstream) => upstream.downUntilMs <= Date.now());
    return up.length > 0 ? up : turned;
  }

  async #ask(upstream: Upstream, request: IncomingMessage, body: Buffer): Promise<Reply> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url: path } = request;
      const headers = { ...withoutHop(request.headers), "content-length": body.length };
      const target = { host: "127.0.0.1", port: upstream.port, agent: this.#agent, method, path };
      const outgoing = httpRequest({ ...target, headers, timeout: UPSTREAM_TIMEOUT_MS }, resolve);
      outgoing.on("error", reject);
      outgoing.on("timeout", () =>
        outgoing.destroy(new Error(`no response in ${UPSTREAM_TIMEOUT_MS} ms`)),
      );
      outgoing.end(body);
    });
    const bytes = await readAll(answer, Number.POSITIVE_INFINITY);
    return {
      status: answer.statusCode ?? 502,
      headers: withoutHop(answer.headers),
      body: bytes ?? Buffer.alloc(0),
      user: [answer.headers["x-user"]].join(),
    };
  }

  #write({ request, startMs }: Exchange, reply: Reply, tries: UpstreamTry[]): void {
    const { headers } = request;
    const endMs = Date.now();
    const line = accessLine({
      endMs,
      address: clientAddress(request),
      user: reply.user,
      request: `${request.method} ${request.url} HTTP/${request.httpVersion}`,
      status: reply.status,
      bytes: reply.body.length,
      referrer: headers.referer ?? "",
      userAgent: headers["user-agent"] ?? "",
      durationMs: endMs - startMs,
      tries,
    });
    this.#log.write(`${line}\n`);
  }
}

const ownReply = (status: number, text: string): Reply => ({
  status,
  headers: { "content-type": "text/plain" },
  body: Buffer.from(text),
  user: "",
});

/** The client address. Only simulated visitors on loopback reach this proxy, and they send it themselves. */
function clientAddress(request: IncomingMessage): string {
  const forwarded = [request.headers["x-forwarded-for"]].join().split(",").at(-1)?.trim() ?? "";
  return isIP(forwarded) ? forwarded : (request.socket.remoteAddress ?? "");
}

function withoutHop(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const kept = { ...headers };
  for (const name of HOP_HEADERS) delete kept[name];
  return kept;
}

/** The whole body; undefined when it is longer than the limit. */
async function readAll(stream: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
  }
  return bytes <= bytesMax ? Buffer.concat(chunks) : undefined;
}
