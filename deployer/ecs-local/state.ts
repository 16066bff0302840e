import { z } from "zod";

import { ContainerDefinition, HealthStatus, NetworkConfiguration, Tag } from "./shapes.ts";

/**
 * Everything that the endpoint remembers. Values are replaced, never changed, so that an earlier state stays valid: reads
 * with a lag answer from one, and what must be written is what differs.
 */
export type EcsState = {
  readonly [Kind in keyof typeof ENTITIES]: ReadonlyMap<string, z.infer<(typeof ENTITIES)[Kind]>>;
};

const Time = z.number();
const LastStatus = z.enum([
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
]);

const StopCode = z.enum([
  "EssentialContainerExited",
  "ServiceSchedulerInitiated",
  "TaskFailedToStart",
  "UserInitiated",
]);
export type StopCode = z.infer<typeof StopCode>;

const Cluster = z.object({
  arn: z.string(),
  name: z.string(),
  status: z.enum(["ACTIVE", "INACTIVE"]),
  tags: z.array(Tag),
});
export type Cluster = z.infer<typeof Cluster>;

const TaskDefinition = z.object({
  arn: z.string(),
  family: z.string(),
  revision: z.int(),
  status: z.enum(["ACTIVE", "INACTIVE"]),
  networkMode: z.string(),
  requiresCompatibilities: z.array(z.string()),
  cpu: z.string().optional(),
  memory: z.string().optional(),
  containers: z.array(ContainerDefinition),
  /** What was sent beside the above, which is returned as it was. */
  others: z.record(z.string(), z.unknown()),
  tags: z.array(Tag),
  registeredAtMs: Time,
  deregisteredAtMs: Time.optional(),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

const RolloutState = z.enum(["IN_PROGRESS", "COMPLETED", "FAILED"]);

const Deployment = z.object({
  id: z.string(),
  taskDefinitionArn: z.string(),
  createdAtMs: Time,
  updatedAtMs: Time,
  rolloutState: RolloutState,
  rolloutStateReason: z.string(),
  /** What the circuit breaker counts; only while the deployment is in progress. */
  failedTasks: z.int(),
  /** Tasks in a row that ended soon after their start; decides how long the next start is delayed. */
  earlyEnds: z.int(),
  nextStartAtMs: Time,
  launchType: z.string(),
  networkConfiguration: NetworkConfiguration.optional(),
});
export type Deployment = z.infer<typeof Deployment>;

const ServiceEvent = z.object({ id: z.string(), createdAtMs: Time, message: z.string() });

const CircuitBreaker = z.object({
  enable: z.boolean(),
  rollback: z.boolean(),
  resetOnHealthyTask: z.boolean().optional(),
  thresholdConfiguration: z
    .object({ type: z.enum(["BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"]), value: z.int() })
    .optional(),
});

export const DeploymentConfiguration = z.object({
  minimumHealthyPercent: z.int().min(0),
  maximumPercent: z.int().min(0),
  deploymentCircuitBreaker: CircuitBreaker,
  strategy: z.literal("ROLLING"),
});
export type DeploymentConfiguration = z.infer<typeof DeploymentConfiguration>;

const Service = z.object({
  arn: z.string(),
  name: z.string(),
  clusterArn: z.string(),
  status: z.enum(["ACTIVE", "DRAINING", "INACTIVE"]),
  desiredCount: z.int().min(0),
  deploymentConfiguration: DeploymentConfiguration,
  launchType: z.string(),
  networkConfiguration: NetworkConfiguration.optional(),
  availabilityZoneRebalancing: z.string(),
  enableECSManagedTags: z.boolean(),
  propagateTags: z.string(),
  tags: z.array(Tag),
  /** The first one is the primary deployment; tasks of the others are being replaced. */
  deployments: z.array(Deployment),
  /** Newest first. */
  events: z.array(ServiceEvent),
  /** What a roll-back by the circuit breaker returns to. */
  completed: z.object({ deploymentId: z.string(), taskDefinitionArn: z.string() }).optional(),
  steadySinceMs: Time.optional(),
  createdAtMs: Time,
  inactiveAtMs: Time.optional(),
});
export type Service = z.infer<typeof Service>;

const Port = z.object({ containerPort: z.int(), hostPort: z.int(), protocol: z.string() });

const Container = z.object({
  name: z.string(),
  lastStatus: z.enum(["PENDING", "RUNNING", "STOPPED"]),
  healthStatus: HealthStatus,
  exitCode: z.int().optional(),
  reason: z.string().optional(),
  ports: z.array(Port),
  /** Whether its process may exist: written before it is started. */
  isLaunched: z.boolean(),
  startedAtMs: Time.optional(),
  /** When SIGTERM was due; SIGKILL follows after its stop timeout. */
  stopAtMs: Time.optional(),
});
export type Container = z.infer<typeof Container>;

const Override = z.looseObject({
  name: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
});

export const Overrides = z.looseObject({ containerOverrides: z.array(Override).optional() });

const Task = z.object({
  arn: z.string(),
  id: z.string(),
  clusterArn: z.string(),
  taskDefinitionArn: z.string(),
  serviceArn: z.string().optional(),
  /** For tasks of services it equals `startedBy`. */
  deploymentId: z.string().optional(),
  group: z.string(),
  startedBy: z.string().optional(),
  launchType: z.string(),
  cpu: z.int(),
  memory: z.int(),
  address: z.string(),
  networkConfiguration: NetworkConfiguration.optional(),
  overrides: Overrides,
  tags: z.array(Tag),
  desiredStatus: z.enum(["RUNNING", "STOPPED"]),
  lastStatus: LastStatus,
  healthStatus: HealthStatus,
  containers: z.array(Container),
  stopCode: StopCode.optional(),
  stoppedReason: z.string().optional(),
  /** Whether the scheduler has counted its end as a failure or not. */
  isAccounted: z.boolean(),
  /** When it began to count towards the healthy tasks of its service. */
  healthyAtMs: Time.optional(),
  protectedUntilMs: Time.optional(),
  version: z.int(),
  createdAtMs: Time,
  pendingAtMs: Time.optional(),
  startedAtMs: Time.optional(),
  stoppingAtMs: Time.optional(),
  executionStoppedAtMs: Time.optional(),
  stoppedAtMs: Time.optional(),
});
export type Task = z.infer<typeof Task>;

/** A request with a client token, so that a repetition has the same effect. */
const ClientRequest = z.object({
  arn: z.string(),
  fingerprint: z.string(),
  resources: z.array(z.string()),
  atMs: Time,
});

export const ENTITIES = {
  clusters: Cluster,
  taskDefinitions: TaskDefinition,
  services: Service,
  tasks: Task,
  requests: ClientRequest,
} as const;

export type EntityKind = keyof typeof ENTITIES;
type EntityOf<Kind extends EntityKind> = z.infer<(typeof ENTITIES)[Kind]>;

export const EMPTY_STATE: EcsState = {
  clusters: new Map(),
  taskDefinitions: new Map(),
  services: new Map(),
  tasks: new Map(),
  requests: new Map(),
};

/** The state with these entities instead of those with the same ARN. */
export function put<Kind extends EntityKind>(
  state: EcsState,
  kind: Kind,
  ...entities: readonly EntityOf<Kind>[]
): EcsState {
  if (entities.length === 0) return state;
  const all = new Map<string, EntityOf<Kind>>(state[kind]);
  for (const entity of entities) all.set(entity.arn, entity);
  return { ...state, [kind]: all };
}

export function remove(state: EcsState, kind: EntityKind, arns: readonly string[]): EcsState {
  if (arns.length === 0) return state;
  const all = new Map<string, unknown>(state[kind]);
  for (const arn of arns) all.delete(arn);
  return { ...state, [kind]: all };
}

/** An entity that was added, replaced or, without a body, removed. */
export type Change = { kind: EntityKind; arn: string; body: unknown };

export function changesBetween(before: EcsState, after: EcsState): Change[] {
  const changes: Change[] = [];
  for (const kind of KINDS) {
    const [old, now]: ReadonlyMap<string, unknown>[] = [before[kind], after[kind]];
    if (old === undefined || now === undefined || old === now) continue;
    for (const [arn, body] of now) if (old.get(arn) !== body) changes.push({ kind, arn, body });
    for (const arn of old.keys()) if (!now.has(arn)) changes.push({ kind, arn, body: undefined });
  }
  return changes;
}

export const KINDS: readonly EntityKind[] = [
  "clusters",
  "taskDefinitions",
  "services",
  "tasks",
  "requests",
];
