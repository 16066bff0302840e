import { AppError, type ErrorCode } from "#platform/errors.ts";

import {
  type Colour,
  COLOURS,
  type EnsureTasks,
  type FleetColour,
  type FleetDriver,
  type FleetView,
  type Task,
} from "../drivers.ts";
import {
  DEPLOY_TAG,
  type FleetClient,
  type FleetDeployment,
  type FleetService,
  type FleetTask,
  type Manifest,
} from "./fleet-client.ts";
import { endpointOf } from "./read-task.ts";
import type { OutputOf } from "./task-output.ts";
import { tellEnd } from "./tell-end.ts";
import { troubleOf } from "./tell-trouble.ts";

/** What a release of a workload runs, and the port at which its tasks are reached. */
export type Catalogue = (
  workload: string,
  release: string,
) => Promise<{ manifest: Manifest; port: number }>;

/**
 * How long reading or changing the tasks of a workload may take with all requests and their repetitions. A request that is
 * repeated for longer could take effect after the machine has stopped to reckon with it (`Limits.fleetLagMs`).
 */
export const FLEET_CALL_MS_MAX = 8_000;

export const RELEASE_TAG = "ctl:release";
const PORT_TAG = "ctl:port";

type ColourFleetOptions = { callMsMax?: number; outputOf?: OutputOf };

/** The two services of each workload, blue and green, whose traffic is not the fleet's business. */
export class ColourFleet implements FleetDriver {
  readonly #client: FleetClient;
  readonly #catalogue: Catalogue;
  readonly #callMsMax: number;
  readonly #outputOf: OutputOf;
  /** Tags of task definitions do not change. */
  readonly #tags = new Map<string, Readonly<Record<string, string>>>();
  /** Tasks that were to run when they were read last, by service. */
  readonly #running = new Map<string, ReadonlySet<string>>();
  /** The latest task that ended by itself, by service. */
  readonly #ended = new Map<string, FleetTask>();
  /** Why the last request for tasks failed, by service. */
  readonly #refusals = new Map<string, string>();

  constructor(
    client: FleetClient,
    catalogue: Catalogue,
    { callMsMax = FLEET_CALL_MS_MAX, outputOf = NO_OUTPUT }: ColourFleetOptions = {},
  ) {
    this.#client = client;
    this.#catalogue = catalogue;
    this.#callMsMax = callMsMax;
    this.#outputOf = outputOf;
  }

  async read(workload: string): Promise<FleetView> {
    const client = this.#boundedClient();
    const names = COLOURS.map((colour) => serviceOf(workload, colour));
    const services = await client.services(names);
    const [blue, green] = await Promise.all(
      services.map((service) => this.#readColour(client, service)),
    );
    const refusalOf = (colour: Colour): Pick<FleetColour, "refusal"> => {
      return { refusal: this.#refusals.get(serviceOf(workload, colour)) };
    };
    return {
      blue: { ...(blue ?? NOTHING), ...refusalOf("blue") },
      green: { ...(green ?? NOTHING), ...refusalOf("green") },
    };
  }

  /**
   * Each deploy is a deployment of its own, so that the tasks that fail are counted. The same deploy with another count is not.
   * @throws AppError
   */
  async ensure(request: EnsureTasks): Promise<void> {
    const name = serviceOf(request.workload, request.colour);
    try {
      await this.#ensure(name, request);
      this.#refusals.delete(name);
    } catch (error) {
      this.#refusals.set(name, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #ensure(name: string, { workload, release, count, deploy }: EnsureTasks): Promise<void> {
    const client = this.#boundedClient();
    // Without a read, as that may be from before the tasks were started.
    if (count === 0) return this.#stopTasks(client, name);
    // What is read may be from before this was asked for the first time, and would lead to a second deployment.
    const service = await client.currentService(name);
    const isSame = service !== undefined && (await this.#deployOf(client, service)) === deploy;
    const isFailed = service?.deployments[0]?.rolloutState === "FAILED";
    if (isSame && !isFailed) {
      if (service.desiredCount !== count) await client.scale(name, count);
      return;
    }
    const { manifest, port } = await this.#catalogue(workload, release);
    const tags = { [RELEASE_TAG]: release, [PORT_TAG]: String(port) };
    const taskDefinition = await client.register(manifest, { deployId: deploy, tags });
    this.#tags.set(taskDefinition, { ...tags, [DEPLOY_TAG]: deploy });
    if (service) await client.deploy(name, { taskDefinition, count });
    else await this.#create(client, name, { taskDefinition, count });
  }

  #boundedClient(): FleetClient {
    return this.#client.until(AbortSignal.timeout(this.#callMsMax));
  }

  async #stopTasks(client: FleetClient, name: string): Promise<void> {
    try {
      await client.scale(name, 0);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
  }

  /** A service that another one has created at the same time gets the same target. */
  async #create(
    client: FleetClient,
    name: string,
    target: { taskDefinition: string; count: number },
  ): Promise<void> {
    let refusal: unknown;
    try {
      await client.ensureService({ name, ...target, tags: {} });
    } catch (error) {
      if (!hasCode(error, "bad_request")) throw error;
      refusal = error;
    }
    try {
      await client.deploy(name, target);
    } catch (error) {
      throw refusal !== undefined && hasCode(error, "not_found") ? refusal : error;
    }
  }

  async #readColour(client: FleetClient, service: FleetService | undefined): Promise<FleetColour> {
    const [primary] = service?.deployments ?? [];
    if (!service || !primary) return NOTHING;
    const tasks = await this.#tasksOf(client, service.name);
    const { failedTasks, rolloutState } = primary;
    const tags = await this.#tagsOf(client, primary.taskDefinition);
    return {
      release: tags[RELEASE_TAG],
      deploy: tags[DEPLOY_TAG],
      desired: service.desiredCount,
      rollout: ROLLOUTS[rolloutState],
      failedTasks,
      reason: await this.#reasonOf(client, { service, primary, port: Number(tags[PORT_TAG] ?? 0) }),
      tasks: await Promise.all(tasks.map((task) => this.#readTask(client, task))),
    };
  }

  /** Those that shall run, and those that shall not any more but have not stopped yet. */
  async #tasksOf(client: FleetClient, name: string): Promise<FleetTask[]> {
    const running = await client.tasks(name);
    const arns = new Set(running.map(({ arn }) => arn));
    const before = this.#running.get(name);
    const gone = [...(before ?? [])].filter((arn) => !arns.has(arn));
    const ended =
      before === undefined ? await client.tasks(name, "STOPPED") : await client.tasksByArn(gone);
    const stopping = ended.filter(
      ({ arn, lastStatus }) => lastStatus !== "STOPPED" && !arns.has(arn),
    );
    this.#running.set(name, new Set([...arns, ...stopping.map(({ arn }) => arn)]));
    this.#noteEnds(name, ended);
    return [...running, ...stopping];
  }

  async #readTask(client: FleetClient, task: FleetTask): Promise<Task> {
    const tags = await this.#tagsOf(client, task.taskDefinition);
    const at = endpointOf(task, Number(tags[PORT_TAG] ?? 0));
    const running = task.lastStatus === "RUNNING" ? "running" : "starting";
    return {
      id: task.arn,
      address: at ? `${at.host}:${at.port}` : "",
      release: tags[RELEASE_TAG] ?? "",
      status: task.desiredStatus === "STOPPED" ? "stopping" : running,
      healthy: task.health === "HEALTHY",
    };
  }

  /** Of one that is still stopping, exit code and time are not known yet. */
  #noteEnds(name: string, tasks: readonly FleetTask[]): void {
    const known = this.#ended.get(name);
    const [latest] = [...tasks, ...(known ? [known] : [])]
      .filter(endedByItself)
      .toSorted((a, b) => (b.stoppedAtMs ?? 0) - (a.stoppedAtMs ?? 0));
    if (latest) this.#ended.set(name, latest);
  }

  /** Why the latest task of the deployment ended that did so by itself, or why it takes long. */
  async #reasonOf(
    client: FleetClient,
    { service, primary, port }: { service: FleetService; primary: FleetDeployment; port: number },
  ): Promise<string | undefined> {
    const { name } = service;
    const hasFailures = primary.failedTasks > 0 || primary.rolloutState === "FAILED";
    // Some end so soon that they are never seen running.
    if (hasFailures) this.#noteEnds(name, await client.tasks(name, "STOPPED"));
    const latest = this.#ended.get(name);
    if (latest?.taskDefinition === primary.taskDefinition) {
      return tellEnd(latest, { port, outputOf: this.#outputOf });
    }
    return primary.rolloutState === "FAILED" ? primary.reason : troubleOf(service, primary);
  }

  async #deployOf(
    client: FleetClient,
    { deployments: [primary] }: FleetService,
  ): Promise<string | undefined> {
    return primary && (await this.#tagsOf(client, primary.taskDefinition))[DEPLOY_TAG];
  }

  async #tagsOf(
    client: FleetClient,
    taskDefinition: string,
  ): Promise<Readonly<Record<string, string>>> {
    const known = this.#tags.get(taskDefinition);
    if (known) return known;
    const tags = await client.tagsOf(taskDefinition);
    this.#tags.set(taskDefinition, tags);
    return tags;
  }
}

const hasCode = (error: unknown, code: ErrorCode): boolean =>
  error instanceof AppError && error.code === code;

const NO_OUTPUT: OutputOf = () => Promise.resolve(undefined);

/** Not those that the scheduler stopped for another reason than their health. */
const endedByItself = ({ stopCode, stoppedReason }: FleetTask): boolean =>
  stopCode === "EssentialContainerExited" ||
  stopCode === "TaskFailedToStart" ||
  (stoppedReason ?? "").includes("health checks");

export const serviceOf = (workload: string, colour: Colour): string => `${workload}-${colour}`;

const NOTHING: FleetColour = {
  release: undefined,
  deploy: undefined,
  desired: 0,
  rollout: "completed",
  failedTasks: 0,
  tasks: [],
};

const ROLLOUTS = { IN_PROGRESS: "in-progress", COMPLETED: "completed", FAILED: "failed" } as const;
