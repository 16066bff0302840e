import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";

import { onTestFinished } from "vitest";

import { openEndpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { silentLog } from "#platform/log.ts";

import { IMAGE, openDeploysWorld } from "./deploys-world.ts";
import { startWire } from "./ecs-wire.ts";
import { openMachine } from "./edge-machine.ts";

export const ECS_YAML = `
account: "111122223333"
cluster: shop
subnets: [subnet-1, subnet-2]
securityGroups: [sg-1]
`;

/** A fleet behind the wire, with its cluster, and edge nodes on other machines. */
export async function openEcsWorld(nodes: readonly string[]) {
  const endpoint = await openEndpoint({ folder: temporaryFolder(), log: silentLog() });
  onTestFinished(() => endpoint.stop());
  const first = openRoleMachine();
  const folderOf = (image: string): string =>
    path.join(first.data, "web releases", image.slice(`${IMAGE}:`.length));
  const wire = await startWire(endpoint, folderOf);
  await wire.createCluster("shop");
  if (nodes.length > 0) await first.run("edge-agent", "certificates", "make", ...nodes);
  const authority = path.join(first.data, "edge-authority");
  const machines = await Promise.all(
    nodes.map((node) => openMachine(node, path.join(authority, "nodes", node))),
  );
  await Promise.all(machines.map((machine) => machine.start()));
  const env = {
    ...wire.env,
    QUARTERDECK_EDGE: "remote",
    QUARTERDECK_EDGE_NODES: machines.map(({ node, agent }) => `${node}=${agent}`).join(","),
  };

  /** Another machine with the role, which knows the nodes. */
  function openSecond(): ReturnType<typeof openRoleMachine> {
    const second = openRoleMachine();
    cpSync(authority, path.join(second.data, "edge-authority"), { recursive: true });
    return second;
  }
  return { wire, env, first, openSecond, urls: machines.map(({ url }) => url) };
}

function openRoleMachine() {
  const world = openDeploysWorld({ stop: [] });
  writeFileSync(path.join(world.data, "ecs.yaml"), ECS_YAML);
  return world;
}
