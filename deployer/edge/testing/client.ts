import { type Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  trailers: NodeJS.Dict<string>;
  body: string;
};

export type Sent = {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The address of the client; loopback addresses need no setup on Linux. */
  from?: string;
  agent?: Agent;
  /** Until the response is complete; 30 s by default. */
  msMax?: number;
};

export class NoAnswer extends Error {}

/** Sends a request once. @throws NoAnswer when it takes too long, Error without a complete response */
export async function send(
  url: string,
  { body, from, agent, msMax = 30_000, ...options }: Sent = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(url, { ...options, agent: agent ?? false, localAddress: from });
  const late = setTimeout(() => sent.destroy(new NoAnswer(`no answer in ${msMax} ms`)), msMax);
  sent.on("error", reject);
  sent.on("response", (response) => {
    const { statusCode: status = 0, headers } = response;
    text(response).then(
      (got) => resolve({ status, headers, trailers: response.trailers, body: got }),
      reject,
    );
  });
  sent.end(body);
  return promise.finally(() => clearTimeout(late));
}

/** What a task says about the request that it got. */
export type Echo = {
  task: string;
  release: string;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  bytes: number;
  sha256: string;
};

export async function echo(url: string, sent: Sent = {}): Promise<Echo> {
  const { status, body } = await send(`${url}/echo`, sent);
  if (status !== 200) throw new Error(`answered ${status}: ${body}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- task-process.ts sends this
  return JSON.parse(body) as Echo;
}

/** A connection on which a test writes what it likes. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setEncoding("latin1");
    this.socket.on("data", (chunk: string) => {
      this.received += chunk;
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  write(content: string): void {
    this.socket.write(content, "latin1");
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A tunnel to a task; the first line of what is received after the head is the name of the task. */
export function openTunnel(url: string, path = "/socket", protocol = "websocket"): RawClient {
  const client = new RawClient(url);
  client.write(
    `GET ${path} HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  return client;
}
