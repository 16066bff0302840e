import type { HealthStatus } from "../shapes.ts";
import {
  type EcsState,
  EMPTY_STATE,
  put,
  type Service,
  type Task,
  type TaskDefinition,
} from "../state.ts";
import { addDeployment } from "./rollout.ts";
import { step } from "./step.ts";
import type { Action, ProcessState, World } from "./world.ts";

const SERVICE = "service";
export const CLUSTER_ARN = "arn:aws:ecs:local:0:cluster/test";

/** A world without processes, clock and network, in which a state is stepped forward. */
export class TestWorld {
  state: EcsState;
  nowMs = 1_000_000;
  readonly processes = new Map<string, ProcessState>();
  readonly health = new Map<string, HealthStatus>();
  /** How often each process was started. */
  readonly starts = new Map<string, number>();
  /** What a new process does. */
  startsAs: ProcessState = { kind: "running" };
  healthOfNew: HealthStatus = "HEALTHY";
  /** Whether a process ends when it is asked to. */
  obeysTerm = true;
  #ids = 0;

  constructor(service: Partial<Service> = {}, definitions = [definition("a")]) {
    const created: Service = {
      arn: SERVICE,
      name: SERVICE,
      clusterArn: CLUSTER_ARN,
      status: "ACTIVE",
      desiredCount: 2,
      deploymentConfiguration: {
        minimumHealthyPercent: 100,
        maximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: false },
        strategy: "ROLLING",
      },
      launchType: "FARGATE",
      availabilityZoneRebalancing: "DISABLED",
      enableECSManagedTags: false,
      propagateTags: "NONE",
      tags: [],
      deployments: [],
      events: [],
      createdAtMs: this.nowMs,
      ...service,
    };
    this.state = put(EMPTY_STATE, "taskDefinitions", ...definitions);
    this.state = put(this.state, "services", created);
    this.deploy(definitions[0]?.arn ?? "");
  }

  get world(): World {
    return {
      nowMs: this.nowMs,
      secondMs: 1_000,
      capacity: { cpu: 1e9, memory: 1e9 },
      network: "own_addresses",
      newId: () =>
        String((this.#ids += 1))
          .padStart(8, "0")
          .repeat(4),
      processOf: (task, container) =>
        this.processes.get(`${task.id}/${container}`) ?? { kind: "none" },
      stopTimeoutMaxS: undefined,
      healthOf: (task, container) => {
        const status = this.health.get(`${task.id}/${container}`);
        return status && { status, problem: undefined };
      },
    };
  }

  service(): Service {
    const service = this.state.services.get(SERVICE);
    if (!service) throw new Error("the service is gone");
    return service;
  }

  update(change: Partial<Service>): void {
    this.state = put(this.state, "services", { ...this.service(), ...change });
  }

  deploy(taskDefinitionArn: string): void {
    const service = addDeployment(
      this.service(),
      { taskDefinitionArn, launchType: "FARGATE" },
      this.world,
    );
    this.state = put(this.state, "services", service);
  }

  live(): Task[] {
    return [...this.state.tasks.values()].filter(
      ({ desiredStatus }) => desiredStatus === "RUNNING",
    );
  }

  /** One step, after which its actions are performed unless the endpoint is killed before. */
  step({ isKilled = false } = {}): Action[] {
    const { state, actions } = step(this.state, this.world);
    this.state = state;
    if (!isKilled) for (const action of actions) this.#perform(action);
    return actions;
  }

  /** Steps for so long. */
  run(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.step();
      this.nowMs += 1_000;
    }
  }

  #perform({ task, container, ...action }: Action): void {
    const key = `${task.id}/${container}`;
    if (action.type === "start") {
      this.starts.set(key, (this.starts.get(key) ?? 0) + 1);
      this.processes.set(key, this.startsAs);
      this.health.set(key, this.healthOfNew);
    } else if (action.type === "prevent") {
      this.processes.set(key, { kind: "failed", reason: "prevented" });
    } else if (action.signal === "SIGKILL" || this.obeysTerm) {
      this.processes.set(key, { kind: "exited", exitCode: action.signal === "SIGKILL" ? 137 : 0 });
    }
  }
}

export const definition = (
  family: string,
  containers: TaskDefinition["containers"] = [
    { name: "app", healthCheck: { command: ["CMD", "true"] } },
  ],
): TaskDefinition => ({
  arn: `definition/${family}`,
  family,
  revision: 1,
  status: "ACTIVE",
  networkMode: "awsvpc",
  requiresCompatibilities: [],
  containers,
  others: {},
  tags: [],
  registeredAtMs: 0,
});
