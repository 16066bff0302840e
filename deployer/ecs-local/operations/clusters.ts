import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";
import { remaining } from "../scheduler/new-task.ts";
import { Tag } from "../shapes.ts";
import { type Cluster, type EcsState, put } from "../state.ts";
import { isArn } from "./arns.ts";
import { clusterOf, findCluster } from "./find.ts";
import { hasTags, include, input, type Operation, read, write } from "./operation.ts";
import { pageOf, paging, sortedPageOf } from "./paging.ts";
import { countsOf } from "./render.ts";

const DESCRIBED_MAX = 100;
const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,254}$/, {
  error: "give a name of up to 255 letters, digits, - and _ that starts with a letter",
});

export const clusterOperations: Readonly<Record<string, Operation>> = {
  CreateCluster: write(
    input({ clusterName: name.default("default"), tags: z.array(Tag).default([]) }),
    ({ clusterName, tags }, { state, arns }) => {
      const arn = arns.cluster(clusterName);
      const existing = state.clusters.get(arn);
      if (existing?.status === "ACTIVE") {
        return { state, output: { cluster: renderCluster(existing, state) } };
      }
      const cluster: Cluster = { arn, name: clusterName, status: "ACTIVE", tags };
      const next = put(state, "clusters", cluster);
      return { state: next, output: { cluster: renderCluster(cluster, next) } };
    },
  ),

  DeleteCluster: write(input({ cluster: z.string() }), ({ cluster: given }, context) => {
    const { state } = context;
    const cluster = clusterOf(context, given);
    const isIn = (it: { clusterArn: string }): boolean => it.clusterArn === cluster.arn;
    if ([...state.services.values()].some((it) => isIn(it) && it.status !== "INACTIVE")) {
      throw new EcsError(
        "ClusterContainsServicesException",
        "The Cluster cannot be deleted while Services are active.",
      );
    }
    if ([...state.tasks.values()].some((it) => isIn(it) && it.lastStatus !== "STOPPED")) {
      throw new EcsError(
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
      );
    }
    const deleted: Cluster = { ...cluster, status: "INACTIVE" };
    const next = put(state, "clusters", deleted);
    return { state: next, output: { cluster: renderCluster(deleted, next) } };
  }),

  DescribeClusters: read(
    input({ clusters: z.array(z.string()).max(DESCRIBED_MAX).default(["default"]), include }),
    ({ clusters, include: included }, context) => {
      const found = clusters.map((given) => ({ given, cluster: findCluster(context, given) }));
      return {
        clusters: found.flatMap(({ cluster }) =>
          cluster
            ? [
                {
                  ...renderCluster(cluster, context.state),
                  tags: hasTags(included) ? cluster.tags : [],
                },
              ]
            : [],
        ),
        failures: found.flatMap(({ given, cluster }) =>
          cluster
            ? []
            : [{ arn: isArn(given) ? given : context.arns.cluster(given), reason: "MISSING" }],
        ),
      };
    },
  ),

  ListClusters: read(input(paging), (page, { state }) => {
    const active = [...state.clusters.values()].filter(({ status }) => status === "ACTIVE");
    const { page: clusterArns, next } = sortedPageOf(
      active.map(({ arn }) => arn),
      page,
    );
    return { clusterArns, ...next };
  }),

  ListContainerInstances: read(
    input({ ...paging, cluster: z.string().optional(), status: z.string().optional() }),
    ({ cluster, status = "ACTIVE", ...page }, context) => {
      const { arn } = clusterOf(context, cluster);
      const all = status === "ACTIVE" ? [context.arns.containerInstance(arn)] : [];
      const { page: containerInstanceArns, next } = pageOf(all, page);
      return { containerInstanceArns, ...next };
    },
  ),

  DescribeContainerInstances: read(
    input({
      cluster: z.string().optional(),
      containerInstances: z.array(z.string()).min(1).max(DESCRIBED_MAX),
      include,
    }),
    ({ cluster: given, containerInstances }, context) => {
      const cluster = clusterOf(context, given);
      const arn = context.arns.containerInstance(cluster.arn);
      const isOwn = (it: string): boolean => it === arn || it === "this-machine";
      const { state, world } = context;
      const left = remaining(state, world.capacity);
      const tasks = [...state.tasks.values()].filter((it) => it.clusterArn === cluster.arn);
      const counts = countsOf(tasks);
      const instance = {
        containerInstanceArn: arn,
        ec2InstanceId: "this-machine",
        status: "ACTIVE",
        agentConnected: true,
        registeredResources: resources(world.capacity),
        remainingResources: resources(left),
        runningTasksCount: counts.runningCount,
        pendingTasksCount: counts.pendingCount,
      };
      return {
        containerInstances: containerInstances.some(isOwn) ? [instance] : [],
        failures: containerInstances
          .filter((it) => !isOwn(it))
          .map((it) => ({ arn: it, reason: "MISSING" })),
      };
    },
  ),
};

const resources = ({ cpu, memory }: { cpu: number; memory: number }): object[] => [
  { name: "CPU", type: "INTEGER", integerValue: cpu },
  { name: "MEMORY", type: "INTEGER", integerValue: memory },
];

function renderCluster({ arn, name: clusterName, status, tags }: Cluster, state: EcsState): object {
  const isIn = (it: { clusterArn: string }): boolean => it.clusterArn === arn;
  const { runningCount, pendingCount } = countsOf([...state.tasks.values()].filter(isIn));
  const services = [...state.services.values()].filter(isIn);
  return {
    clusterArn: arn,
    clusterName,
    status,
    registeredContainerInstancesCount: 1,
    runningTasksCount: runningCount,
    pendingTasksCount: pendingCount,
    activeServicesCount: services.filter((it) => it.status === "ACTIVE").length,
    statistics: [],
    tags,
    settings: [],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
  };
}
