import { AppError } from "#platform/errors.ts";

import type { FleetClient, FleetService, FleetTask, Manifest } from "./fleet-client.ts";
import { whyStopped } from "./judge-service.ts";
import { endpointOf } from "./read-task.ts";

const COLOURS = ["blue", "green"] as const;
export type Colour = (typeof COLOURS)[number];

/** One running instance of a workload. */
export type Task = {
  id: string;
  /** `host:port`; empty until it is known. */
  address: string;
  release: string;
  /** `stopping`: the scheduler stops it, for whatever reason. Stopped tasks are not listed. */
  status: "starting" | "running" | "stopping";
  /** Whether its own health check passes. */
  healthy: boolean;
};

/** The service of one colour. */
export type FleetColour = {
  /** The release that its tasks shall run; undefined if it never had one. */
  release: string | undefined;
  desired: number;
  rollout: "in-progress" | "completed" | "failed";
  /** Tasks of the current rollout that did not become healthy. */
  failedTasks: number;
  /** Why tasks failed, for people. */
  reason?: string | undefined;
  tasks: readonly Task[];
};

export type EnsureTasks = {
  workload: string;
  colour: Colour;
  release: string;
  /** 0 stops all tasks of the colour. */
  count: number;
  /** The deploy on whose behalf; empty between deploys. */
  deploy: string;
};

/** What a release of a workload runs, and the port at which its tasks are reached. */
export type Catalogue = (
  workload: string,
  release: string,
) => Promise<{ manifest: Manifest; port: number }>;

const RELEASE_TAG = "ctl:release";
const PORT_TAG = "ctl:port";

/** The two services of each workload, blue and green, whose traffic is not the fleet's business. */
export class ColourFleet {
  readonly #client: FleetClient;
  readonly #catalogue: Catalogue;
  /** Tags of task definitions do not change. */
  readonly #tags = new Map<string, Readonly<Record<string, string>>>();
  /** Tasks that were to run when they were read last, by service. */
  readonly #running = new Map<string, ReadonlySet<string>>();

  constructor(client: FleetClient, catalogue: Catalogue) {
    this.#client = client;
    this.#catalogue = catalogue;
  }

  async read(workload: string): Promise<Readonly<Record<Colour, FleetColour>>> {
    const names = COLOURS.map((colour) => serviceOf(workload, colour));
    const services = await this.#client.services(names);
    const [blue, green] = await Promise.all(services.map((service) => this.#readColour(service)));
    return { blue: blue ?? NOTHING, green: green ?? NOTHING };
  }

  /**
   * Makes the service of a colour run `count` tasks of a release. Does nothing if it does already. Tasks that are started where
   * none were, or after a failure, are a new deployment, so that those that fail are counted.
   */
  async ensure({ workload, colour, release, count, deploy }: EnsureTasks): Promise<void> {
    const name = serviceOf(workload, colour);
    const [service] = await this.#client.services([name]);
    const isSame = service !== undefined && (await this.#releaseOf(service)) === release;
    const isAtRest =
      service?.desiredCount === 0 || service?.deployments[0]?.rolloutState === "FAILED";
    if (isSame && (count === 0 || !isAtRest)) {
      if (service.desiredCount !== count) await this.#client.scale(name, count);
      return;
    }
    const { manifest, port } = await this.#catalogue(workload, release);
    const tags = { [RELEASE_TAG]: release, [PORT_TAG]: String(port) };
    const deployId = deploy === "" ? release : deploy;
    const taskDefinition = await this.#client.register(manifest, { deployId, tags });
    if (service) await this.#client.deploy(name, { taskDefinition, count });
    else await this.#create(name, { taskDefinition, count });
  }

  /** A service that another one has created at the same time gets the same target. */
  async #create(name: string, target: { taskDefinition: string; count: number }): Promise<void> {
    try {
      await this.#client.ensureService({ name, ...target, tags: {} });
    } catch (error) {
      if (!(error instanceof AppError && error.code === "bad_request")) throw error;
    }
    await this.#client.deploy(name, target);
  }

  async #readColour(service: FleetService | undefined): Promise<FleetColour> {
    const [primary] = service?.deployments ?? [];
    if (!service || !primary) return NOTHING;
    const tasks = await this.#tasksOf(service.name);
    const { failedTasks, rolloutState } = primary;
    const hasFailures = failedTasks > 0 || rolloutState === "FAILED";
    return {
      release: await this.#releaseOf(service),
      desired: service.desiredCount,
      rollout: ROLLOUTS[rolloutState],
      failedTasks,
      reason: hasFailures ? await this.#reasonOf(service) : undefined,
      tasks: await Promise.all(tasks.map((task) => this.#readTask(task))),
    };
  }

  /** Those that shall run, and those that shall not any more but have not stopped yet. */
  async #tasksOf(name: string): Promise<FleetTask[]> {
    const running = await this.#client.tasks(name);
    const arns = new Set(running.map(({ arn }) => arn));
    const before = this.#running.get(name);
    const gone = [...(before ?? [])].filter((arn) => !arns.has(arn));
    const ended =
      before === undefined
        ? await this.#client.tasks(name, "STOPPED")
        : await this.#client.tasksByArn(gone);
    const stopping = ended.filter(
      ({ arn, lastStatus }) => lastStatus !== "STOPPED" && !arns.has(arn),
    );
    this.#running.set(name, new Set([...arns, ...stopping.map(({ arn }) => arn)]));
    return [...running, ...stopping];
  }

  async #readTask(task: FleetTask): Promise<Task> {
    const tags = await this.#tagsOf(task.taskDefinition);
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

  /** What the fleet says about the rollout, and why the latest task of it ended. */
  async #reasonOf({ name, deployments: [primary] }: FleetService): Promise<string> {
    const stopped = await this.#client.tasks(name, "STOPPED");
    const [latest] = stopped
      .filter(({ taskDefinition }) => taskDefinition === primary?.taskDefinition)
      .toSorted((a, b) => b.createdAtMs - a.createdAtMs);
    const why = latest ? whyStopped(latest) : undefined;
    return [primary?.reason, why].filter((it) => it !== undefined && it !== "").join(" ");
  }

  async #releaseOf({ deployments: [primary] }: FleetService): Promise<string | undefined> {
    return primary && (await this.#tagsOf(primary.taskDefinition))[RELEASE_TAG];
  }

  async #tagsOf(taskDefinition: string): Promise<Readonly<Record<string, string>>> {
    const known = this.#tags.get(taskDefinition);
    if (known) return known;
    const tags = await this.#client.tagsOf(taskDefinition);
    this.#tags.set(taskDefinition, tags);
    return tags;
  }
}

const serviceOf = (workload: string, colour: Colour): string => `${workload}-${colour}`;

const NOTHING: FleetColour = {
  release: undefined,
  desired: 0,
  rollout: "completed",
  failedTasks: 0,
  tasks: [],
};

const ROLLOUTS = { IN_PROGRESS: "in-progress", COMPLETED: "completed", FAILED: "failed" } as const;
