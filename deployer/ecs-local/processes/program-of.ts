import path from "node:path";

import { processEnvironment } from "#platform/settings/process-environment.ts";

import type { ContainerDefinition } from "../shapes.ts";
import type { Task } from "../state.ts";
import type { Program } from "./container-process.ts";

/**
 * What a container runs. Its environment is that of its definition, of the overrides of its task, the system's variables of
 * the endpoint such as PATH, and where it must listen: TASK_ADDRESS, and TASK_PORT_8080 for port 8080 of any of its containers. Without a
 * workingDirectory it runs in that of the endpoint.
 */
export function programOf(container: ContainerDefinition, task: Task): Program {
  const override = (task.overrides.containerOverrides ?? []).find(
    ({ name }) => name === container.name,
  );
  const ports = task.containers
    .flatMap((it) => it.ports)
    .map(({ containerPort, hostPort }) => [`TASK_PORT_${containerPort}`, String(hostPort)]);
  const variables = [...(container.environment ?? []), ...(override?.environment ?? [])];
  return {
    command: [...(container.entryPoint ?? []), ...(override?.command ?? container.command ?? [])],
    directory: path.resolve(container.workingDirectory ?? "."),
    environment: {
      ...processEnvironment(process.env),
      TASK_ADDRESS: task.address,
      ...Object.fromEntries(ports),
      ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    },
  };
}
