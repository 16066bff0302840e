import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { onTestFinished } from "vitest";

import { TEMPLATES } from "../edge-servers.ts";
import { findProgram } from "../processes/find-program.ts";
import { HaproxyNode, type HaproxyNodeOptions } from "./haproxy-node.ts";

/** The path of a program that tests need; undefined, said loudly, where it is missing. @throws in CI */
export function programForTests(name: string): string | undefined {
  const program = findProgram(name);
  if (program !== undefined) return program;
  if (process.env["CI"] === "true") throw new Error(`CI must have ${name}`);
  process.stderr.write(`\nSKIPPED: ${name} is not installed, so these tests of the edge are\n`);
  return undefined;
}

const PORTS_FROM = 18_000;
const PORTS_UNTIL = 32_000;

/**
 * An address for a server that is killed and started again. Its port is below those that the kernel gives to outgoing
 * connections, one of which could have it meanwhile: even the connection to the server itself.
 */
export async function serverAddress(): Promise<string> {
  for (;;) {
    const port = randomInt(PORTS_FROM, PORTS_UNTIL);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((done) => server.close(done));
    if (isFree) return `127.0.0.1:${port}`;
  }
}

export function shortFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "qd-edge "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export type NodeOptions = Partial<HaproxyNodeOptions> & { id?: string };

/** The options of a node for the workload `web` on free ports. */
export async function nodeOptions({
  id = "lb1",
  ...options
}: NodeOptions = {}): Promise<HaproxyNodeOptions> {
  const listen = { web: await serverAddress() };
  return {
    settings: { id, listen, internal: await serverAddress() },
    program: findProgram("haproxy") ?? "",
    folder: options.folder ?? path.join(shortFolder(), id),
    template: TEMPLATES.haproxy,
    workloads: [{ name: "web", checkPath: "/healthz", slots: 3 }],
    varnish: {},
    controlNetworks: ["127.0.0.1/32"],
    responseMs: 5_000,
    headMs: 3_000,
    ...options,
  };
}

/** A node that serves, and ends with the test. */
export async function startNode(options: NodeOptions = {}): Promise<HaproxyNode> {
  const node = new HaproxyNode(await nodeOptions(options));
  onTestFinished(() => node.stop());
  await node.start();
  return node;
}
