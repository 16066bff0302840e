import { mkdirSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import type { AgentAddress } from "#deployer/edge/agent/agent-client.ts";
import { AppError } from "#platform/errors.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

const Nodes = z.array(z.object({ node: z.string(), host: z.string(), port: z.number() }));

const fileIn = (dataFolder: string): string =>
  path.join(path.resolve(dataFolder), "deploys", "edge-nodes.json");

/** Edge nodes that may have traffic. @throws AppError unavailable with what to do if the file is damaged */
export function readKnownNodes(dataFolder: string): AgentAddress[] {
  const { value, damage } = readStateFile(fileIn(dataFolder), Nodes);
  if (damage === undefined) return value ?? [];
  const message = `${damage}: delete it when no node is used that is not in QUARTERDECK_EDGE_NODES.`;
  throw new AppError("unavailable", message);
}

/** Those of the list, and those that were in an earlier one and have not been forgotten. Remembers them all. */
export function knownWith(dataFolder: string, listed: readonly AgentAddress[]): AgentAddress[] {
  const names = new Set(listed.map(({ node }) => node));
  const leaving = readKnownNodes(dataFolder).filter(({ node }) => !names.has(node));
  const all = [...listed, ...leaving];
  mkdirSync(path.dirname(fileIn(dataFolder)), { recursive: true, mode: 0o700 });
  writeStateFile(fileIn(dataFolder), all);
  return all;
}

/** Deploys do not wait for the node any more. @throws AppError not_found */
export function forgetNode(dataFolder: string, name: string): void {
  const known = readKnownNodes(dataFolder);
  const left = known.filter(({ node }) => node !== name);
  if (left.length === known.length) {
    const names = known.map(({ node }) => node).join(", ") || "none";
    throw new AppError("not_found", `There is no edge node ${name}. The nodes are ${names}.`);
  }
  writeStateFile(fileIn(dataFolder), left);
}
