import type { Container, NetworkBinding, Task } from "@aws-sdk/client-ecs";

import type { FleetContainer, FleetTask } from "./fleet-client.ts";
import { readTags } from "./read-service.ts";

/** A task as the SDK has it, in which every member may be missing. */
export function readTask(task: Task): FleetTask {
  const { taskArn = "", taskDefinitionArn = "", containers = [] } = task;
  return {
    arn: taskArn,
    taskDefinition: taskDefinitionArn,
    desiredStatus: task.desiredStatus === "STOPPED" ? "STOPPED" : "RUNNING",
    lastStatus: task.lastStatus ?? "",
    health: task.healthStatus ?? "UNKNOWN",
    address: addressOf(task),
    createdAtMs: task.createdAt?.getTime() ?? 0,
    startedAtMs: task.startedAt?.getTime(),
    stoppedAtMs: task.stoppedAt?.getTime(),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    containers: containers.map(readContainer),
    tags: readTags(task.tags),
  };
}

const readContainer = ({ name = "", lastStatus = "", ...end }: Container): FleetContainer => ({
  name,
  lastStatus,
  exitCode: end.exitCode,
  reason: end.reason,
});

/**
 * A task in a VPC has a network interface, at whose address the ports are those of the containers. Others have bindings of
 * ports of the machine. Where tasks share one address, they have both, and the bindings count.
 */
function addressOf({ attachments = [], containers = [] }: Task): FleetTask["address"] {
  const bindings = containers.flatMap(({ networkBindings = [] }) => networkBindings);
  const host =
    attachments
      .filter(({ type }) => type === "ElasticNetworkInterface")
      .flatMap(({ details = [] }) => details)
      .find(({ name }) => name === "privateIPv4Address")?.value ?? bindings[0]?.bindIP;
  return host === undefined ? undefined : { host, ports: new Map(bindings.flatMap(portsOf)) };
}

const portsOf = ({ containerPort, hostPort }: NetworkBinding): [number, number][] =>
  containerPort === undefined ? [] : [[containerPort, hostPort ?? containerPort]];

/** The last part of an ARN. */
export const idOf = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

/** Where a port of a container is reached. Undefined until the task has an address. */
export function endpointOf(
  { address }: Pick<FleetTask, "address">,
  containerPort: number,
): { host: string; port: number } | undefined {
  if (!address) return undefined;
  return { host: address.host, port: address.ports.get(containerPort) ?? containerPort };
}
