import { constants, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { TlsOptions, TLSSocket } from "node:tls";

import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { problemHeaders, problemOf } from "#platform/http/problem.ts";
import { listen } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import { type CertificateFiles, type Credentials, endOf } from "./certificate-files.ts";
import { isControlPlane } from "./names.ts";
import { type AgentService, isVerb, pathOf, type Verb, VERBS } from "./verbs.ts";

const HANDSHAKE_MS_MAX = 5_000;
const HEAD_MS_MAX = 5_000;
const REQUEST_MS_MAX = 10_000;
const IDLE_MS_MAX = 60_000;
const LOOK_EVERY_MS = 500;
const CONNECTIONS_MAX = 500;
const HEAD_BYTES_MAX = 8 * 1_024;
const REFUSALS_EVERY_MS = 10_000;

/** Both ends are of this program, so nothing older is needed. */
export const TLS_MIN = "TLSv1.3";

export type AgentServerOptions = {
  host: string;
  /** 0: any free port. */
  port: number;
  files: CertificateFiles;
  service: AgentService;
  log: Log;
};

/**
 * Serves the verbs to the control plane, which shows a certificate of the same authority. A connection with another
 * certificate or none is closed in the handshake.
 * @throws AppError if the port is in use
 */
export async function openAgentServer(
  options: AgentServerOptions,
): Promise<AsyncDisposable & { port: number }> {
  const { host, port, files, log } = options;
  const server = createServer({
    ...tlsOf(files.current),
    handshakeTimeout: HANDSHAKE_MS_MAX,
    headersTimeout: HEAD_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    connectionsCheckingInterval: LOOK_EVERY_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void answer(options, request, response);
  });
  logRefusals(server, log);
  const watching = files.watch({
    onChange: (credentials) => {
      server.setSecureContext(tlsOf(credentials));
      // Those that were accepted with the certificates before.
      server.closeIdleConnections();
      log.info("the certificates of the agent were replaced");
    },
    onError: ({ message }) => log.error("the new certificates cannot be used", { message }),
  });
  const taken = await listen(server, { host, port, ifTaken: "fail" });
  return {
    port: taken,
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const tlsOf = ({ authority, certificate, key }: Credentials): TlsOptions => ({
  ca: authority,
  cert: certificate,
  key,
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: TLS_MIN,
  // A resumed session would not be checked again.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

/** At most one line in some seconds, whoever tries. */
function logRefusals(server: Server, log: Log): void {
  let refused = 0;
  let lastMs = -Infinity;
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    refused += 1;
    const nowMs = performance.now();
    if (nowMs < lastMs + REFUSALS_EVERY_MS) return;
    lastMs = nowMs;
    const { message } = error;
    log.warn("a connection was refused", { address: socket.remoteAddress, message, refused });
    refused = 0;
  });
}

async function answer(
  options: AgentServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { service, log } = options;
  try {
    checkPeer(request);
    const verb = verbOf(request);
    const input = await readInput(request, verb);
    const output = await within(VERBS[verb].msMax, perform(service, verb, input));
    reply(response, output);
  } catch (error) {
    const problem = problemOf(error, log);
    // What is left of the request is not read.
    if (!request.complete) response.shouldKeepAlive = false;
    response.writeHead(problem.status, problemHeaders(error));
    reply(response, problem);
  }
}

function reply(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/json" });
  response.end(text);
}

/** The handshake has checked who has signed the certificate, but not whose it is, and it may have ended since. */
function checkPeer({ socket }: IncomingMessage): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all sockets of an HTTPS server are
  const { raw } = (socket as TLSSocket).getPeerCertificate();
  const certificate = new X509Certificate(raw);
  if (!isControlPlane(certificate)) {
    throw new AppError("forbidden", "Only the control plane may ask an edge agent.");
  }
  if (endOf(certificate) < systemClock.nowMs()) {
    throw new AppError("forbidden", "The certificate of the control plane has ended.");
  }
}

function verbOf({ method, url = "" }: IncomingMessage): Verb {
  const [, name = ""] = /^\/v1\/(\w{1,40})$/.exec(url) ?? [];
  if (!isVerb(name)) {
    const known = Object.keys(VERBS).join(", ");
    throw new AppError("not_found", `An edge agent has the verbs ${known}.`);
  }
  if (method === "POST") return name;
  throw new AppError("method_not_allowed", `Send POST to ${pathOf(name)}.`);
}

async function readInput(request: IncomingMessage, verb: Verb): Promise<unknown> {
  const { bytesMax, input } = VERBS[verb];
  const tooLarge = new AppError("too_large", `${verb} takes at most ${bytesMax} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has no encoding
    const buffer = part as Buffer;
    bytes += buffer.length;
    if (bytes > bytesMax) throw tooLarge;
    parts.push(buffer);
  }
  const parsed = input.safeParse(jsonIn(Buffer.concat(parts).toString("utf8")));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, code, message }) => {
    return { path: path.map(String).join("."), code, message };
  });
  const mistakes = fields.map(({ path, message }) => `${path || verb}: ${message}`).join("; ");
  throw new AppError("unprocessable", mistakes, { fields });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("bad_request", "The body must be JSON.");
  }
}

function perform(service: AgentService, verb: Verb, input: unknown): Promise<unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was parsed by the schema of the verb
  const work = service[verb] as (of: unknown) => Promise<unknown>;
  return work(input);
}

/** What takes longer goes on, and is asked for again. */
async function within<Value>(msMax: number, work: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const error = new AppError("unavailable", `It was not done in ${msMax} ms, and may be later.`);
  const timer = setTimeout(() => reject(error), msMax);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
