import { randomInt } from "node:crypto";
import { cpSync } from "node:fs";
import path from "node:path";

import { onTestFinished } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { programForTests, serverAddress } from "#deployer/edge/haproxy/testing-haproxy.ts";
import { LocalProcess } from "#deployer/edge/processes/local-process.ts";

import { type Program, startProgram } from "../harness/program.ts";
import { EDGE_PORT } from "./deploys-world.ts";

/** Whether the programs of an edge node are installed. */
export const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);

const portOf = (address: string): string => address.split(":").at(-1) ?? "";

export type Machine = {
  node: string;
  url: string;
  agent: string;
  start(): Promise<Program>;
  kill(): Promise<void>;
};

/** A machine with a certificate, its own address for clients, and an agent that runs as a process. */
export async function openMachine(node: string, certificates: string): Promise<Machine> {
  const data = temporaryFolder();
  const folder = path.join(data, "edge-agent");
  cpSync(certificates, folder, { recursive: true });
  const host = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
  const agent = await serverAddress();
  const env = {
    QUARTERDECK_EDGE_HOST: host,
    QUARTERDECK_EDGE_PORT: portOf(await serverAddress()),
    QUARTERDECK_EDGE_AGENT: `${host}:${portOf(agent)}`,
  };
  const processes = [
    { name: "haproxy", folder: path.join(folder, "servers", node) },
    { name: "varnishd", folder: path.join(folder, "servers", `${node}_cache`) },
  ];
  const programs = processes.map((it) => new LocalProcess({ ...it, command: [] }));
  let running: Program | undefined;
  const start = async (): Promise<Program> => {
    running = startProgram(["role", "edge-agent", "--data", data], { env });
    await running.printed(new RegExp(`The agent of (${node}) is ready`));
    return running;
  };
  const kill = async (): Promise<void> => {
    await running?.end("SIGKILL");
    await Promise.all(programs.map((program) => program.stop()));
  };
  onTestFinished(kill);
  return {
    node,
    url: `http://${host}:${EDGE_PORT}`,
    agent: env.QUARTERDECK_EDGE_AGENT,
    start,
    kill,
  };
}
