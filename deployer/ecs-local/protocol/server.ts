import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { Engine } from "../engine.ts";
import type { Faults } from "../faults.ts";
import type { Arns } from "../operations/arns.ts";
import { OPERATIONS } from "../operations/index.ts";
import { EcsError } from "./ecs-error.ts";
import { checkSignature, type Credentials } from "./signature.ts";

const MEDIA = "application/x-amz-json-1.1";
const TARGET = /^AmazonEC2ContainerServiceV20141113\.(\w+)$/;
const BODY_BYTES_MAX = 1024 * 1024;

export type ServerDeps = {
  engine: Engine;
  faults: Faults;
  credentials: Credentials;
  arns: Arns;
  clock: Clock;
  log: Log;
};

/** Amazon ECS as a server: JSON 1.1 over HTTP, every request signed. */
export function createEcsServer(deps: ServerDeps): Server {
  const server = createServer((incoming, outgoing) => {
    void respond(incoming, outgoing, deps);
  });
  server.requestTimeout = 30_000;
  return server;
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  deps: ServerDeps,
): Promise<void> {
  const requestId = randomUUID();
  try {
    const output = await answer(incoming, deps);
    if (deps.faults.losesAnswer()) outgoing.destroy();
    else send(outgoing, { status: 200, body: output, requestId });
  } catch (error) {
    const { name, message, members } = known(error, deps.log);
    const status = name === "ServerException" ? 500 : 400;
    send(outgoing, { status, body: { __type: name, message, ...members }, requestId });
  }
}

function known(error: unknown, log: Log): EcsError {
  if (error instanceof EcsError) return error;
  log.error("a request to the local fleet failed", { error });
  return new EcsError("ServerException", "The local endpoint failed; its log has the reason.");
}

/** @throws EcsError */
async function answer(incoming: IncomingMessage, deps: ServerDeps): Promise<object> {
  const { engine, faults, credentials, arns, clock } = deps;
  const body = await readBody(incoming);
  const { method = "", url = "", headers } = incoming;
  const nowMs = clock.nowMs();
  checkSignature({ method, path: url, headers, body }, { credentials, nowMs });
  const target = headers["x-amz-target"];
  const name = TARGET.exec(typeof target === "string" ? target : "")?.[1] ?? "";
  const operation = OPERATIONS.get(name);
  if (!operation) {
    throw new EcsError("UnknownOperationException", `The local endpoint has no operation ${name}.`);
  }
  const fault = faults.errorFor(name);
  if (fault) throw new EcsError(fault.name, fault.message);
  const state = operation.kind === "read" ? engine.stateBefore(faults.readLagMs) : engine.state;
  const result = operation.run(parseJson(body), { state, world: engine.world(), arns });
  if (operation.kind === "write") engine.commit(result.state);
  return result.output;
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new EcsError(
        "InvalidParameterException",
        `A request has at most ${BODY_BYTES_MAX} bytes.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer): unknown {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return parsed;
  } catch {
    throw new EcsError("SerializationException", "The request is not JSON.");
  }
}

type Sent = { status: number; body: object; requestId: string };

function send(outgoing: ServerResponse, { status, body, requestId }: Sent): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    "content-type": MEDIA,
    "content-length": Buffer.byteLength(text),
    "x-amzn-requestid": requestId,
  });
  outgoing.end(text);
}
