import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { FleetAnswer, TaskLog } from "#dashboards/deploys/fleet-messages.ts";
import { WorkloadList } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";
import { checkAll, type DeployRoutesDeps, maySee } from "./deploy-access.ts";

/** What runs: workloads, services and tasks of the fleet. */
export const fleetRoutes = ({ deploys }: DeployRoutesDeps): Route<MemberRule>[] => [
  workloads(deploys),
  fleet(deploys),
  taskLog(deploys),
];

const workloads = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/workloads",
    operationId: "listWorkloads",
    tag: "Deploys",
    summary: "Lists the workloads with their releases, present deploy and queue",
    rule: { allow: "act", act: "see" },
    responses: {
      200: { description: "The workloads that the caller may see", body: WorkloadList },
    },
    async handle(call) {
      const all = await deploys.ask("workloads", {});
      return { status: 200, body: { workloads: all.filter(({ name }) => maySee(call, name)) } };
    },
  });

const fleet = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/fleet",
    operationId: "getFleet",
    tag: "Fleet",
    summary: "Lists the services of the fleet with their tasks and events",
    rule: { allow: "act", act: "see" },
    responses: {
      200: { description: "The services of workloads that the caller may see", body: FleetAnswer },
    },
    async handle(call) {
      const { place, services } = await deploys.ask("fleet", {});
      const seen = services.filter(({ workload }) => maySee(call, workload));
      return { status: 200, body: { place, services: seen } };
    },
  });

const TaskId = z.string().regex(/^[0-9a-f]{32}$/, "give the id of a task, 32 hex digits");

const taskLog = (deploys: Deploys): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/fleet/tasks/{taskId}/log",
    operationId: "getTaskLog",
    tag: "Fleet",
    summary: "Returns the end of the output of a task's container",
    rule: { allow: "act", act: "see" },
    params: z.strictObject({ taskId: TaskId }),
    query: z.strictObject({
      container: z.string().max(255).optional().describe("Default: the first one of the task"),
    }),
    responses: { 200: { description: "At most 64 KB of text", body: TaskLog } },
    async handle(call) {
      const task = call.params.taskId;
      const { services } = await deploys.ask("fleet", {});
      const service = services.find(({ tasks }) => tasks.some(({ id }) => id === task));
      if (service === undefined) {
        throw new AppError("not_found", `No service has a task ${task}.`);
      }
      checkAll(call, "see", [service.workload]);
      const { container } = call.query;
      return { status: 200, body: await deploys.ask("taskLog", { task, container }) };
    },
  });
