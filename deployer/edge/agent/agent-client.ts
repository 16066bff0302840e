import { X509Certificate } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";

import { AppError, errorCode } from "#platform/errors.ts";
import { codeOfStatus } from "#platform/http/problem.ts";

import { TLS_MIN } from "./agent-server.ts";
import type { CertificateFiles, Credentials } from "./certificate-files.ts";
import { certificateNameOf } from "./names.ts";
import { ANSWER_BYTES_MAX, type Input, type Output, pathOf, type Verb, VERBS } from "./verbs.ts";

const CONNECTIONS_MAX = 8;
/**
 * For a connection and its handshake. A machine that was switched off refuses nothing, and what is asked of all nodes must
 * not wait for it: it is shorter than the deployer waits for a read.
 */
const CONNECT_MS_MAX = 1_500;
/** Until the agent itself reports that it took too long. */
const SLACK_MS = 500;

/** Where the agent of a node is. */
export type AgentAddress = { node: string; host: string; port: number };

/** Asks the agent of one node, which must show the certificate of that node. */
export class AgentClient {
  readonly address: AgentAddress;
  /** Of the node, as it was seen last. */
  certificate: X509Certificate | undefined;
  readonly #files: Pick<CertificateFiles, "current">;
  #credentials: Credentials | undefined;
  #agent: Agent | undefined;

  constructor(address: AgentAddress, files: Pick<CertificateFiles, "current">) {
    this.address = address;
    this.#files = files;
  }

  /** @throws AppError with the name of the node, when it refuses or cannot be reached: then it may have taken effect */
  async ask<V extends Verb>(verb: V, input: Input<V>): Promise<Output<V>> {
    const { status, text } = await this.#send(verb, JSON.stringify(input)).catch(
      (error: unknown) => {
        throw this.#error("unavailable", whyOf(error), error);
      },
    );
    const json = jsonIn(text);
    if (status !== 200) throw this.#refusal(status, json);
    const parsed = VERBS[verb].output.safeParse(json);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema belongs to the verb
    if (parsed.success) return parsed.data as Output<V>;
    throw this.#error("unavailable", `its answer to ${verb} cannot be understood`);
  }

  close(): void {
    this.#agent?.destroy();
  }

  async #send(verb: Verb, body: string): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.timeout(VERBS[verb].msMax + SLACK_MS);
    try {
      return await this.#sendOnce(verb, body, signal);
    } catch (error) {
      // The agent may close an idle connection while a request is sent on it.
      if (!(error instanceof StaleConnection)) throw error;
      return this.#sendOnce(verb, body, signal);
    }
  }

  #sendOnce(
    verb: Verb,
    body: string,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const { host, port } = this.address;
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const asked = request({
      host,
      port,
      method: "POST",
      path: pathOf(verb),
      headers,
      agent: this.#connections(),
      signal,
    });
    asked.on("error", (error) => {
      const isStale = asked.reusedSocket && errorCode(error) === "ECONNRESET";
      reject(isStale ? new StaleConnection() : error);
    });
    asked.on("socket", (socket) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all sockets of this agent are
      boundHandshake(asked, socket as TLSSocket);
    });
    asked.on("response", (response) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all sockets of this agent are
      const { raw } = (response.socket as TLSSocket).getPeerCertificate();
      if (raw !== undefined) this.certificate = new X509Certificate(raw);
      bodyOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    asked.end(body);
    return promise;
  }

  /** New ones as soon as there are other certificates. */
  #connections(): Agent {
    const { current } = this.#files;
    if (this.#agent !== undefined && this.#credentials === current) return this.#agent;
    this.#agent?.destroy();
    this.#credentials = current;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: CONNECTIONS_MAX,
      ca: current.authority,
      cert: current.certificate,
      key: current.key,
      servername: certificateNameOf(this.address.node),
      minVersion: TLS_MIN,
      // A resumed session would not be checked again.
      maxCachedSessions: 0,
    });
    return this.#agent;
  }

  #refusal(status: number, json: unknown): AppError {
    const detail =
      typeof json === "object" && json !== null && "detail" in json ? json.detail : undefined;
    const why = typeof detail === "string" ? detail : `it answered ${status}`;
    return this.#error(codeOfStatus(status) ?? "unavailable", why);
  }

  #error(code: AppError["code"], why: string, cause?: unknown): AppError {
    return new AppError(code, `${this.address.node}: ${why}`, { cause });
  }
}

class StaleConnection extends Error {}

function boundHandshake(asked: ClientRequest, socket: TLSSocket): void {
  if (socket.authorized) return;
  const late = setTimeout(
    () => asked.destroy(new Error(`there is no connection after ${CONNECT_MS_MAX} ms`)),
    CONNECT_MS_MAX,
  );
  socket.once("secureConnect", () => clearTimeout(late));
  socket.once("close", () => clearTimeout(late));
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has no encoding
    const buffer = part as Buffer;
    bytes += buffer.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error("its answer is too large");
    parts.push(buffer);
  }
  return Buffer.concat(parts).toString("utf8");
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError" || error.name === "AbortError") return "it does not answer";
  const code = errorCode(error);
  if (code === "ECONNREFUSED") return "its agent does not run, or another port is its own";
  return `its agent cannot be reached (${error.message})`;
}
