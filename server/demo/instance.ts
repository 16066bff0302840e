import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { Backends } from "./apis/backends.ts";
import { listenLoopback } from "./listen.ts";
import type { Random } from "./random.ts";
import { readSession, signSession } from "./session-token.ts";
import { siteResponse, type SiteResponse } from "./site.ts";
import { serviceTime } from "./timing.ts";

export type InstanceOptions = {
  /** The source of service times and rare failures. */
  random: Random;
  portPreferred: number;
  /** Signs the sessions: the same for all instances. */
  secret: string;
  /** The instance's capacity in requests per second. */
  capacityRps: number;
  backends: Backends;
};
export type Instance = { port: number; stop(): Promise<void> };

const BODY_BYTES_MAX = 16 * 1024;
const RATE_WINDOW_MS = 60_000;
const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
};

/**
 * Starts one instance of the demo shop on its own port. Instances share nothing but the secret. They run in one thread,
 * because a thread or process for each would need more memory than the rest of the demo.
 */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const shop = new Shop(options);
  const server = createServer((request, response) => {
    shop.serve(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    });
  });
  const port = await listenLoopback(server, options.portPreferred);
  return {
    port,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

class Shop {
  readonly #options: InstanceOptions;
  #requestsPerSecond = 0;
  #lastMs = Date.now();

  constructor(options: InstanceOptions) {
    this.#options = options;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const session = readSession(request.headers.cookie, this.#options.secret);
    const form = new URLSearchParams(await readBody(request));
    const { method = "GET" } = request;
    const user = session?.user ?? "";
    let refused: SiteResponse | undefined;
    if (path !== "/health") {
      const { durationMs, failed } = serviceTime(path, this.#utilisation(), this.#options.random);
      const beganMs = performance.now();
      refused = failed
        ? FAILURE
        : await this.#options.backends.before({ method, path, user, form });
      // The time taken by the APIs is part of the duration of the request.
      await sleep(Math.max(0, durationMs - (performance.now() - beganMs)));
    }
    const given = refused ?? siteResponse({ method, path, session, form });
    this.#send(response, given, given.session?.user ?? user);
  }

  #send(response: ServerResponse, given: SiteResponse, user: string): void {
    const body = Buffer.from(given.body);
    response.writeHead(given.status, {
      ...SECURITY_HEADERS,
      "content-type": given.type,
      "content-length": body.length,
      ...(user ? { "x-user": user } : {}),
      ...(given.location ? { location: given.location } : {}),
      ...(given.session === undefined ? {} : { "set-cookie": this.#cookie(given.session) }),
    });
    response.end(body);
  }

  #cookie(session: SiteResponse["session"]): string {
    const attributes = "Path=/; HttpOnly; SameSite=Lax";
    if (!session) return `sid=; Max-Age=0; ${attributes}`;
    return `sid=${signSession(session, this.#options.secret)}; ${attributes}`;
  }

  /** The share of this instance's capacity in use: an exponentially weighted rate of arrivals. */
  #utilisation(): number {
    const nowMs = Date.now();
    this.#requestsPerSecond *= Math.exp(-Math.max(0, nowMs - this.#lastMs) / RATE_WINDOW_MS);
    this.#requestsPerSecond += 1000 / RATE_WINDOW_MS;
    this.#lastMs = nowMs;
    return this.#requestsPerSecond / this.#options.capacityRps;
  }
}

const FAILURE: SiteResponse = {
  status: 500,
  type: "application/json",
  body: '{"status":500,"title":"The shop is out of order."}',
};

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error(`the body is over ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
