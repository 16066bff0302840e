import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";
import { createTask, lacking } from "../scheduler/new-task.ts";
import { stopTask } from "../scheduler/task-lifecycle.ts";
import { NetworkConfiguration, Tag } from "../shapes.ts";
import { Overrides, put, type Task } from "../state.ts";
import { isArn, nameIn } from "./arns.ts";
import { fingerprintOf, knownRequest, requestOf } from "./client-token.ts";
import { clusterOf, findTask, serviceOf, usableDefinition } from "./find.ts";
import {
  type Answer,
  type Context,
  hasTags,
  include,
  input,
  type Operation,
  read,
  write,
} from "./operation.ts";
import { paging, sortedPageOf } from "./paging.ts";
import { renderTask } from "./render.ts";
import { checkNetwork } from "./services.ts";

const DESCRIBED_MAX = 100;
const STARTED_MAX = 10;

const Run = input({
  cluster: z.string().optional(),
  taskDefinition: z.string(),
  count: z.int().min(1).max(STARTED_MAX).default(1),
  clientToken: z.string().max(64).optional(),
  startedBy: z.string().max(128).optional(),
  group: z.string().optional(),
  launchType: z.enum(["EC2", "FARGATE"]).default("EC2"),
  networkConfiguration: NetworkConfiguration.optional(),
  overrides: Overrides.default({}),
  tags: z.array(Tag).max(50).default([]),
  enableECSManagedTags: z.boolean().optional(),
  propagateTags: z.enum(["TASK_DEFINITION", "NONE"]).optional(),
});
type Run = z.infer<typeof Run>;

export const taskOperations: Readonly<Record<string, Operation>> = {
  RunTask: write(Run, (wanted, context) => {
    const cluster = clusterOf(context, wanted.cluster);
    const token = wanted.clientToken ?? context.world.newId();
    const request = {
      arn: `RunTask/${cluster.name}/${token}`,
      fingerprint: fingerprintOf(wanted),
    };
    const known = knownRequest(context, request.arn);
    if (!known) return runTasks(wanted, { clusterArn: cluster.arn, request, context });
    if (known.fingerprint !== request.fingerprint) {
      throw new EcsError(
        "ConflictException",
        "The client token was used for a request with other parameters.",
        { resourceIds: known.resources },
      );
    }
    const tasks = known.resources.flatMap((arn) => context.state.tasks.get(arn) ?? []);
    return { state: context.state, output: renderRun(tasks, [], context) };
  }),

  StopTask: write(
    input({
      cluster: z.string().optional(),
      task: z.string(),
      reason: z.string().max(1_024).optional(),
    }),
    ({ cluster: given, task: name, reason }, context) => {
      const task = findTask(context, clusterOf(context, given), name);
      if (!task) {
        throw new EcsError("InvalidParameterException", "The referenced task was not found.");
      }
      const stopped = stopTask(task, {
        code: "UserInitiated",
        reason: reason ?? "Task stopped by user",
        nowMs: context.world.nowMs,
      });
      const state = put(context.state, "tasks", stopped);
      return { state, output: { task: renderTask(stopped, state, { withTags: true }) } };
    },
  ),

  DescribeTasks: read(
    input({
      cluster: z.string().optional(),
      tasks: z.array(z.string()).min(1).max(DESCRIBED_MAX),
      include,
    }),
    ({ cluster: given, tasks, include: included }, context) => {
      const cluster = clusterOf(context, given);
      const withTags = hasTags(included);
      const found = tasks.map((name) => ({ name, task: findTask(context, cluster, name) }));
      return {
        tasks: found.flatMap(({ task }) =>
          task ? [renderTask(task, context.state, { withTags })] : [],
        ),
        failures: found.flatMap(({ name, task }) => {
          const arn = isArn(name) ? name : context.arns.task(cluster.arn, name);
          return task ? [] : [{ arn, reason: "MISSING" }];
        }),
      };
    },
  ),

  ListTasks: read(
    input({
      ...paging,
      cluster: z.string().optional(),
      serviceName: z.string().optional(),
      family: z.string().optional(),
      startedBy: z.string().optional(),
      desiredStatus: z.enum(["RUNNING", "PENDING", "STOPPED"]).default("RUNNING"),
      launchType: z.string().optional(),
    }),
    ({ nextToken, maxResults, ...filter }, context) => {
      const cluster = clusterOf(context, filter.cluster);
      const { serviceName, family, startedBy, desiredStatus, launchType } = filter;
      const service =
        serviceName === undefined ? undefined : serviceOf(context, cluster, serviceName);
      const isWanted = (task: Task): boolean =>
        task.clusterArn === cluster.arn &&
        // No task has the desired status PENDING.
        task.desiredStatus === desiredStatus &&
        (service === undefined || task.serviceArn === service.arn) &&
        (family ?? familyOf(task)) === familyOf(task) &&
        (startedBy === undefined || task.startedBy === startedBy) &&
        (launchType ?? task.launchType) === task.launchType;
      const arns = [...context.state.tasks.values()].filter(isWanted).map(({ arn }) => arn);
      const { page: taskArns, next } = sortedPageOf(arns, { nextToken, maxResults });
      return { taskArns, ...next };
    },
  ),
};

const familyOf = ({ taskDefinitionArn }: Task): string =>
  nameIn(taskDefinitionArn).split(":")[0] ?? "";

type Running = {
  clusterArn: string;
  request: { arn: string; fingerprint: string };
  context: Context;
};

function runTasks(wanted: Run, { clusterArn, request, context }: Running): Answer {
  const definition = usableDefinition(context, wanted.taskDefinition);
  checkNetwork(definition, wanted);
  const { launchType, networkConfiguration, overrides, startedBy, count } = wanted;
  const unknown = (overrides.containerOverrides ?? []).find(
    (it) => !definition.containers.some(({ name }) => name === it.name),
  );
  if (unknown) {
    throw new EcsError(
      "InvalidParameterException",
      "Override for container named " +
        `${unknown.name ?? ""} is not a container in the TaskDefinition.`,
    );
  }
  let { state } = context;
  const tasks: Task[] = [];
  const failures: object[] = [];
  while (tasks.length + failures.length < count) {
    const lack = lacking(state, context.world, definition);
    if (lack === undefined) {
      const task = createTask(state, context.world, {
        clusterArn,
        group: wanted.group ?? `family:${definition.family}`,
        launchType,
        networkConfiguration,
        overrides,
        definition,
        tags: [
          ...wanted.tags,
          ...(wanted.propagateTags === "TASK_DEFINITION" ? definition.tags : []),
        ],
        ...(startedBy === undefined ? {} : { startedBy }),
      });
      tasks.push(task);
      state = put(state, "tasks", task);
    } else {
      failures.push({
        arn: context.arns.containerInstance(clusterArn),
        reason: `RESOURCE:${lack}`,
      });
    }
  }
  const arns = tasks.map(({ arn }) => arn);
  if (arns.length > 0) state = put(state, "requests", requestOf(request, arns, context));
  return { state, output: renderRun(tasks, failures, { ...context, state }) };
}

const renderRun = (tasks: readonly Task[], failures: object[], { state }: Context): object => ({
  tasks: tasks.map((task) => renderTask(task, state, { withTags: true })),
  failures,
});
