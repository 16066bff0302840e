import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { onTestFinished } from "vitest";

import { freePort } from "#platform/free-port.ts";

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
  const listen = { web: `127.0.0.1:${await freePort()}` };
  return {
    settings: { id, listen, internal: `127.0.0.1:${await freePort()}` },
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
