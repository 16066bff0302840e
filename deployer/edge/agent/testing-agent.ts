import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { systemClock } from "#platform/clock.ts";

import { serverAddress } from "../haproxy/testing-haproxy.ts";
import { LocalProcess } from "../processes/local-process.ts";
import { TEST_EDGE, type TestEdge, type TestNode } from "../testing/world.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { CONTROL_PLANE_FILES, makeCertificates } from "./make-certificates.ts";
import { RemoteEdge } from "./remote-edge.ts";

const MODULE = fileURLToPath(new URL("testing-agent-process.ts", import.meta.url));
const IDS = ["lb1", "lb2"];
const HOST = "127.0.0.1";
const POLL_MS = 10;
const READY_MS_MAX = 30_000;

/** What the process of an agent is started with. */
export type TestAgent = { folder: string; certificates: string; port: number; edgePort: number };

/** Two nodes with agents in processes of their own, as if each were a machine. */
export async function openTestAgents(): Promise<TestEdge> {
  const folder = mkdtempSync(path.join(tmpdir(), "qd-edge "));
  const authority = path.join(folder, "ca");
  const folders = await makeCertificates(authority, IDS, systemClock.nowMs());
  const webPort = portOf(await serverAddress());
  const agents = await Promise.all(
    folders.map(async (certificates, at): Promise<TestAgent> => {
      const own = path.join(folder, `m${at}`);
      await cp(certificates, path.join(own, "crt"), { recursive: true });
      const [port, edgePort] = [portOf(await serverAddress()), portOf(await serverAddress())];
      return { folder: own, certificates: path.join(own, "crt"), port, edgePort };
    }),
  );
  const nodes = await Promise.all(
    agents.map((agent, at) => startMachine(agent, IDS[at] ?? "", webPort)),
  );
  const edge = new RemoteEdge(
    agents.map(({ port }, at) => ({ node: IDS[at] ?? "", host: HOST, port })),
    new CertificateFiles(authority, CONTROL_PLANE_FILES),
  );
  const { workload: name, slotsPerColour, checkPath } = TEST_EDGE;
  await edge.serve([{ name, port: webPort, slotsPerColour, checkPath }]);
  return {
    driver: edge.driver,
    nodes,
    async [Symbol.asyncDispose]() {
      edge[Symbol.dispose]();
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const portOf = (address: string): number => Number(address.split(":").at(-1));
/** Each machine has an address of its own, and the same ports. */
export const hostOfMachine = (id: string): string => `127.0.0.${IDS.indexOf(id) + 1}`;

async function startMachine(agent: TestAgent, id: string, webPort: number): Promise<TestNode> {
  const program = { folder: path.join(agent.folder, id), name: "haproxy", command: [] };
  const haproxy = new LocalProcess(program);
  let child = await started(agent);
  /** The agent, and HAProxy with its workers. */
  const signal = (name: NodeJS.Signals): void => {
    child.kill(name);
    const { pid } = haproxy;
    if (pid !== undefined) process.kill(-pid, name);
  };
  const ended = async (): Promise<void> => {
    while (child.exitCode === null && child.signalCode === null) await delay(POLL_MS);
    while (haproxy.pid !== undefined) await delay(POLL_MS);
  };
  const start = async (): Promise<void> => {
    child = await started(agent);
  };
  return {
    id,
    url: `http://${hostOfMachine(id)}:${webPort}`,
    async kill() {
      signal("SIGKILL");
      await ended();
    },
    start,
    async restart() {
      child.kill("SIGTERM");
      await once(child, "exit");
      await haproxy.stop();
      await start();
    },
    suspend: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
  };
}

async function started(agent: TestAgent): Promise<ChildProcess> {
  const env = { ...process.env, TEST_AGENT: JSON.stringify(agent) };
  const child = fork(MODULE, [], { env, execArgv: [] });
  const ready = once(child, "message", { signal: AbortSignal.timeout(READY_MS_MAX) });
  const [message] = await Promise.race([ready, once(child, "exit")]);
  if (message !== "ready") throw new Error("the agent has ended");
  return child;
}
