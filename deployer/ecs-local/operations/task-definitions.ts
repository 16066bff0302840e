import { z } from "zod";

import { isHealthCommand } from "../processes/health-check.ts";
import { EcsError } from "../protocol/ecs-error.ts";
import { ContainerDefinition, Tag } from "../shapes.ts";
import { put, type TaskDefinition } from "../state.ts";
import { findDefinition } from "./find.ts";
import { type Context, hasTags, include, input, type Operation, read, write } from "./operation.ts";
import { pageOf, paging } from "./paging.ts";
import { renderDefinition } from "./render.ts";

const Register = z.looseObject({
  family: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, {
    error: "give up to 255 letters, digits, - and _",
  }),
  containerDefinitions: z.array(ContainerDefinition).min(1).max(10),
  networkMode: z.enum(["bridge", "host", "awsvpc", "none"]).default("bridge"),
  requiresCompatibilities: z.array(z.string()).default([]),
  cpu: z.string().optional(),
  memory: z.string().optional(),
  tags: z.array(Tag).max(50).default([]),
});
type Register = z.infer<typeof Register>;

/** Of containers; without these the process would do something else than the container on Amazon ECS. */
const UNSUPPORTED = ["secrets", "environmentFiles", "restartPolicy", "firelensConfiguration"];

const describedBy = (definition: TaskDefinition, withTags: boolean): object => ({
  taskDefinition: renderDefinition(definition),
  tags: withTags ? definition.tags : undefined,
});

export const taskDefinitionOperations: Readonly<Record<string, Operation>> = {
  RegisterTaskDefinition: write(Register, (wanted, context) => {
    checkContainers(wanted);
    const { family, containerDefinitions, networkMode, requiresCompatibilities } = wanted;
    const { cpu, memory, tags, ...others } = wanted;
    const revision = 1 + Math.max(0, ...revisionsOf(context, family).map((it) => it.revision));
    const definition: TaskDefinition = {
      arn: context.arns.taskDefinition(family, revision),
      family,
      revision,
      status: "ACTIVE",
      networkMode,
      requiresCompatibilities,
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
      containers: containerDefinitions,
      others,
      tags,
      registeredAtMs: context.world.nowMs,
    };
    const state = put(context.state, "taskDefinitions", definition);
    return { state, output: describedBy(definition, true) };
  }),

  DescribeTaskDefinition: read(
    input({ taskDefinition: z.string(), include }),
    ({ taskDefinition, include: included }, context) =>
      describedBy(definitionOf(context, taskDefinition), hasTags(included)),
  ),

  DeregisterTaskDefinition: write(
    input({ taskDefinition: z.string() }),
    ({ taskDefinition }, context) => {
      if (!/:[^/]*$/.test(taskDefinition.replace(/^arn:.*\//, ""))) {
        throw new EcsError("ClientException", "Revision is missing.");
      }
      const found = definitionOf(context, taskDefinition);
      const definition: TaskDefinition = {
        ...found,
        status: "INACTIVE",
        deregisteredAtMs: found.deregisteredAtMs ?? context.world.nowMs,
      };
      const state = put(context.state, "taskDefinitions", definition);
      return { state, output: { taskDefinition: renderDefinition(definition) } };
    },
  ),

  ListTaskDefinitions: read(
    input({
      ...paging,
      familyPrefix: z.string().optional(),
      status: z.enum(["ACTIVE", "INACTIVE"]).default("ACTIVE"),
      sort: z.enum(["ASC", "DESC"]).default("ASC"),
    }),
    ({ familyPrefix, status, sort, ...page }, { state }) => {
      // Despite its name the prefix is a whole family.
      const found = [...state.taskDefinitions.values()]
        .filter((it) => it.status === status)
        .filter(({ family }) => familyPrefix === undefined || family === familyPrefix)
        .toSorted((a, b) =>
          a.family < b.family ? -1 : a.family > b.family ? 1 : a.revision - b.revision,
        );
      if (sort === "DESC") found.reverse();
      const { page: taskDefinitionArns, next } = pageOf(
        found.map(({ arn }) => arn),
        page,
      );
      return { taskDefinitionArns, ...next };
    },
  ),
};

const revisionsOf = ({ state }: Context, family: string): TaskDefinition[] =>
  [...state.taskDefinitions.values()].filter((it) => it.family === family);

function definitionOf(context: Context, given: string): TaskDefinition {
  const definition = findDefinition(context, given);
  if (definition) return definition;
  throw new EcsError("ClientException", "Unable to describe task definition.");
}

function refuse(message: string): never {
  throw new EcsError("ClientException", message);
}

function checkContainers({
  containerDefinitions: all,
  requiresCompatibilities,
  ...task
}: Register): void {
  const names = all.map(({ name }) => name);
  if (new Set(names).size < names.length) refuse("Each container must have a name of its own.");
  if (all.every(({ essential }) => essential === false)) {
    refuse("At least one container must be essential.");
  }
  if (requiresCompatibilities.includes("FARGATE")) {
    if (task.networkMode !== "awsvpc") {
      refuse("Fargate only supports network mode ‘awsvpc’.");
    }
    if (task.cpu === undefined) refuse("Fargate requires that 'cpu' be defined at the task level.");
    if (task.memory === undefined) {
      refuse("Fargate requires that 'memory' be defined at the task level.");
    }
  }
  for (const container of all) {
    const problem = problemOf(container, { names, memory: task.memory });
    if (problem !== undefined) refuse(problem);
  }
  if (hasCycle(all)) refuse("The dependencies of the containers must not be circular.");
}

type Surroundings = { names: readonly string[]; memory: string | undefined };

function problemOf(
  container: ContainerDefinition,
  { names, memory }: Surroundings,
): string | undefined {
  const { name, image, command, entryPoint, dependsOn = [] } = container;
  if (!image) return "Container.image should not be null or empty.";
  if (
    memory === undefined &&
    container.memory === undefined &&
    container.memoryReservation === undefined
  ) {
    return `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`;
  }
  const missing = dependsOn.find(({ containerName }) => !names.includes(containerName));
  if (missing)
    return `Container '${name}' depends on '${missing.containerName}', which is missing.`;
  if (!isHealthCommand(container)) {
    return `The health check of container '${name}' must be CMD or CMD-SHELL and a command, or HTTP and a URL that starts with http://.`;
  }
  const unsupported = UNSUPPORTED.find((it) => container[it] !== undefined);
  if (unsupported !== undefined) {
    return `The local endpoint does not support ${unsupported} (container '${name}').`;
  }
  if ((command ?? entryPoint ?? []).length > 0) return undefined;
  return `The local endpoint runs processes instead of images: container '${name}' needs a command.`;
}

function hasCycle(all: readonly ContainerDefinition[]): boolean {
  let open = [...all];
  for (;;) {
    const names = open.map(({ name }) => name);
    const rest = open.filter(({ dependsOn = [] }) =>
      dependsOn.some(({ containerName }) => names.includes(containerName)),
    );
    if (rest.length === open.length) return rest.length > 0;
    open = rest;
  }
}
