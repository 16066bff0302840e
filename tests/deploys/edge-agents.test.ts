import { randomInt } from "node:crypto";
import { cpSync } from "node:fs";
import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { programForTests, serverAddress } from "#deployer/edge/haproxy/testing-haproxy.ts";
import { LocalProcess } from "#deployer/edge/processes/local-process.ts";
import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { type Program, startProgram } from "../harness/program.ts";
import { EDGE_PORT, openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const WAIT = { timeout: 60_000, interval: 100 };
const portOf = (address: string): string => address.split(":").at(-1) ?? "";

type Machine = {
  node: string;
  url: string;
  agent: string;
  start(): Promise<Program>;
  kill(): Promise<void>;
};

/** A machine with a certificate, its own address for clients, and an agent that runs as a process. */
async function openMachine(node: string, certificates: string): Promise<Machine> {
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

const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);

describe.skipIf(!hasPrograms)("edge nodes on other machines", () => {
  test("a release is deployed through agents without a failed request, and a machine that is gone is shown, and repaired when it is back", async () => {
    const { data, startRole, run } = openDeploysWorld();
    const made = await run("edge-agent", "certificates", "make", "lb1", "lb2");
    expect(made).toMatchObject({ code: 0 });
    expect((await run("edge-agent", "certificates", "list")).stdout).toMatch(/lb2: valid until/);
    const machines = await Promise.all(
      ["lb1", "lb2"].map((node) =>
        openMachine(node, path.join(data, "edge-authority", "nodes", node)),
      ),
    );
    await Promise.all(machines.map((machine) => machine.start()));
    await startRole({
      QUARTERDECK_EDGE: "remote",
      QUARTERDECK_EDGE_NODES: machines.map(({ node, agent }) => `${node}=${agent}`).join(","),
    });
    const first = await run("deploy", "web", "r1", "--wait", ...QUICK);
    expect(first).toMatchObject({ code: 0 });
    const clients = machines.map(({ url }) => startClient(url));
    expect(await run("deploy", "web", "r2", "--wait", ...QUICK)).toMatchObject({ code: 0 });
    for (const client of clients) {
      await expect.poll(() => client.releases.at(-1), WAIT).toBe("r2");
      await client.stop();
      expect(client.failed).toEqual([]);
    }

    const deploys = followDeploys(data);
    onTestFinished(() => deploys.stop());
    const statuses = async (): Promise<string[]> =>
      (await deploys.ask("edge", {})).nodes.map(({ status }) => status);
    const [, gone] = machines;
    if (gone === undefined) throw new Error("there is no second machine");
    await expect.poll(statuses, WAIT).toEqual(["current", "current"]);
    await gone.kill();
    await expect.poll(statuses, WAIT).toEqual(["current", "unreachable"]);
    await gone.start();
    await expect.poll(statuses, WAIT).toEqual(["current", "current"]);
    const back = startClient(gone.url);
    await expect.poll(() => back.releases.at(-1), WAIT).toBe("r2");
  }, 240_000);
});
