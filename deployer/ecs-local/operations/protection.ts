import { z } from "zod";

import { put, type Task } from "../state.ts";
import { clusterOf, findTask } from "./find.ts";
import { type Context, input, type Operation, read, write } from "./operation.ts";
import { seconds } from "./render.ts";

const TASKS_MAX = 10;
const MINUTES = { default: 120, max: 2_880 };
const MINUTE_MS = 60_000;

const target = { cluster: z.string(), tasks: z.array(z.string()).min(1).max(TASKS_MAX) };
type Target = { cluster: string; tasks: readonly string[] };

/** Protected tasks are not stopped by the scheduler to scale in or to replace them. */
export const protectionOperations: Readonly<Record<string, Operation>> = {
  UpdateTaskProtection: write(
    input({
      ...target,
      protectionEnabled: z.boolean(),
      expiresInMinutes: z.int().min(1).max(MINUTES.max).default(MINUTES.default),
    }),
    ({ protectionEnabled, expiresInMinutes, ...given }, context) => {
      const { nowMs } = context.world;
      const { found, failures } = targetsOf(given, context);
      const protectedUntilMs = protectionEnabled ? nowMs + expiresInMinutes * MINUTE_MS : undefined;
      const updated = found.map((task): Task => ({ ...task, protectedUntilMs }));
      return {
        state: put(context.state, "tasks", ...updated),
        output: { protectedTasks: updated.map((it) => render(it, nowMs)), failures },
      };
    },
  ),

  GetTaskProtection: read(input(target), (given, context) => {
    const { found, failures } = targetsOf(given, context);
    return { protectedTasks: found.map((it) => render(it, context.world.nowMs)), failures };
  }),
};

function targetsOf(given: Target, context: Context): { found: Task[]; failures: object[] } {
  const cluster = clusterOf(context, given.cluster);
  const found: Task[] = [];
  const failures: object[] = [];
  for (const name of given.tasks) {
    const task = findTask(context, cluster, name);
    if (!task) failures.push({ arn: name, reason: "MISSING" });
    else if (task.serviceArn === undefined || task.desiredStatus === "STOPPED") {
      failures.push({ arn: task.arn, reason: "TASK_NOT_VALID" });
    } else found.push(task);
  }
  return { found, failures };
}

const render = ({ arn, protectedUntilMs = 0 }: Task, nowMs: number): object => ({
  taskArn: arn,
  protectionEnabled: protectedUntilMs > nowMs,
  expirationDate: protectedUntilMs > nowMs ? seconds(protectedUntilMs) : undefined,
});
