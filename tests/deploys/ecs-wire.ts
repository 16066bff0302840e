import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import { onTestFinished } from "vitest";
import { z } from "zod";

import type { Endpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { signatureOf } from "#deployer/ecs-local/protocol/signature.ts";

const REGION = "eu-west-1";
const NAMES = ["host", "x-amz-date", "x-amz-target"];
const MEDIA = "application/x-amz-json-1.1";

/** Of Amazon ECS, in its answer to an operation. */
type Refusal = { name: string; message: string };

export type Wire = {
  /** The environment of a process that takes it for Amazon ECS. */
  env: Readonly<Record<string, string>>;
  /** Operations and their requests so far. */
  calls: { operation: string; input: unknown }[];
  /** Operations that are refused. */
  refusals: Map<string, Refusal>;
  createCluster(name: string): Promise<void>;
};

/**
 * Amazon ECS as far as a process sees it: a local endpoint behind HTTP, where an image becomes a process. It takes requests for the
 * region with any credentials, gives containers the folder of their image and the address of their task, and leaves out what only
 * containers have. Everything else is sent on as it came.
 */
export async function startWire(
  { address }: Pick<Endpoint, "address">,
  folderOf: (image: string) => string,
): Promise<Wire> {
  const calls: Wire["calls"] = [];
  const refusals: Wire["refusals"] = new Map();
  const forward = forwardTo(address);
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const target = String(incoming.headers["x-amz-target"]);
    const operation = target.slice(target.indexOf(".") + 1);
    const input: unknown = JSON.parse((await buffer(incoming)).toString());
    calls.push({ operation, input });
    const isSigned = incoming.headers.authorization?.includes(`/${REGION}/ecs/aws4_request`);
    const refusal = isSigned
      ? refusals.get(operation)
      : { name: "InvalidSignatureException", message: "not for this region" };
    if (refusal) {
      const { name, message } = refusal;
      outgoing.writeHead(400, { "content-type": MEDIA });
      outgoing.end(JSON.stringify({ __type: name, message }));
      return;
    }
    const isDefinition = operation === "RegisterTaskDefinition";
    const response = await forward(target, isDefinition ? asProcesses(input, folderOf) : input);
    outgoing.writeHead(response.status, { "content-type": MEDIA });
    outgoing.end(await response.text());
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const env = {
    QUARTERDECK_ECS_REGION: REGION,
    AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "AKIATEST",
    AWS_SECRET_ACCESS_KEY: "secret",
  };
  const createCluster = async (clusterName: string): Promise<void> =>
    void (await forward("AmazonEC2ContainerServiceV20141113.CreateCluster", { clusterName }));
  return { env, calls, refusals, createCluster };
}

/** Sends a request, signed anew, as its body may have changed. */
function forwardTo({ url, region, credentials }: Endpoint["address"]) {
  return (target: string, input: unknown): Promise<Response> => {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const scope = [time.slice(0, 8), region, "ecs", "aws4_request"];
    const body = Buffer.from(JSON.stringify(input));
    const headers = { host: new URL(url).host, "x-amz-date": time, "x-amz-target": target };
    const request = { method: "POST", path: "/", headers, body };
    const signed = signatureOf(request, { scope, names: NAMES }, credentials.secretAccessKey);
    const credential = `${credentials.accessKeyId}/${scope.join("/")}`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${NAMES.join(";")}, Signature=${signed.toString("hex")}`;
    const { host: _, ...rest } = headers;
    return fetch(url, {
      method: "POST",
      headers: { ...rest, authorization, "content-type": MEDIA },
      body,
    });
  };
}

const Container = z.looseObject({
  image: z.string(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })),
  healthCheck: z.looseObject({ command: z.array(z.string()) }).optional(),
});
const Definition = z.looseObject({ containerDefinitions: z.array(Container) });

function asProcesses(input: unknown, folderOf: (image: string) => string): object {
  const definition = Definition.parse(input);
  const containerDefinitions = definition.containerDefinitions.map((container) => {
    const { image, environment, healthCheck } = container;
    return {
      ...container,
      // There is no store of secrets.
      secrets: undefined,
      workingDirectory: folderOf(image),
      // A process has an address of its own instead of a network of its own.
      environment: environment.filter(({ name }) => !name.startsWith("TASK_")),
      healthCheck: healthCheck && { ...healthCheck, command: asUrl(healthCheck.command) },
    };
  });
  return { ...definition, containerDefinitions };
}

const asUrl = (command: readonly string[]): string[] => ["HTTP", command.at(-1) ?? ""];
