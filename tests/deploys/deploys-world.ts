import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { onTestFinished } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { type Program, runProgram, startProgram } from "../harness/program.ts";

export const IMAGE = "registry.example.com/shop/web";
export const EDGE_PORT = 4_616;

/** Answers with its release. `broken` ends at once, and `unlabelled` has no header x-release. */
const PROGRAM = `
import { createServer } from "node:http";
const { TASK_ADDRESS, TASK_PORT_8080, RELEASE } = process.env;
if (process.argv[2] === "migrate") {
  console.log("no table invoices");
  process.exit(RELEASE === "unmigratable" ? 4 : 0);
}
if (RELEASE === "broken") process.exit(9);
const server = createServer((request, response) => {
  if (RELEASE !== "unlabelled") response.setHeader("x-release", RELEASE);
  response.setHeader("x-pid", process.pid);
  response.end("done");
});
server.listen(Number(TASK_PORT_8080), TASK_ADDRESS);
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
`;

const RELEASES = ["r1", "r2", "broken", "unlabelled", "unmigratable"];

/** Options that make a deploy as short as it can be. */
export const QUICK = ["--observe", "0.5", "--bake", "1", "--drain", "1", "--steps", "20,50"];

/** A data folder with a workload \`web\`, and the role that deploys it as a process of its own. */
export function openDeploysWorld({
  edge = "local",
  stop = ["--stop-tasks"],
}: { edge?: "local" | "haproxy"; stop?: readonly string[] } = {}) {
  const data = temporaryFolder();
  for (const release of RELEASES) {
    const folder = path.join(data, "web releases", release);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "server.mjs"), PROGRAM);
  }
  const file = [
    "workloads:",
    "  - name: web",
    `    command: [${JSON.stringify(process.execPath)}, server.mjs]`,
    `    expand: [${JSON.stringify(process.execPath)}, server.mjs, migrate]`,
    "    port: 8080",
    "    releases: web releases",
    // Those of Amazon ECS.
    `    image: ${IMAGE}`,
    '    healthCommand: [curl, -fsS, "http://127.0.0.1:8080/healthz"]',
  ].join("\n");
  writeFileSync(path.join(data, "workloads.yaml"), `${file}\n`);
  // Other tests use the same ports at addresses of their own.
  const host = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;

  /** Resolves when it waits for another one to end. */
  async function startWaiting(settings: Record<string, string>): Promise<Program> {
    const role = start(settings);
    await role.printed(/Another process (deploys)/);
    return role;
  }

  function start(settings: Record<string, string>): Program {
    const role = startProgram(["role", "deploys", ...stop, "--data", data], {
      env: { QUARTERDECK_EDGE_HOST: host, QUARTERDECK_EDGE: edge, ...settings },
    });
    onTestFinished(async () => void (await role.end("SIGTERM")));
    return role;
  }

  async function startRole(settings: Record<string, string> = {}): Promise<Program> {
    const role = start(settings);
    await role.printed(/Workloads that can be deployed: .*(web)/);
    return role;
  }
  const run = (...args: string[]) => runProgram([...args, "--data", data]);
  return { data, url: `http://${host}:${EDGE_PORT}`, startRole, startWaiting, run };
}

/** A client that sends one request after the other until it is stopped. */
export function startClient(url: string) {
  const stopping = new AbortController();
  const releases: string[] = [];
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const response = await fetch(url);
        if (response.status === 200) releases.push(response.headers.get("x-release") ?? "");
        else failed.push(`${response.status}`);
        await response.text();
      } catch (error) {
        failed.push(String(error));
      }
      await delay(10);
    }
  };
  const running = work();
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  onTestFinished(stop);
  return { releases, failed, stop };
}
