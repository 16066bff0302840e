/** A service of the fleet: tasks that are kept at a count. Times are epoch ms. */
export type FleetService = {
  name: string;
  arn: string;
  status: "ACTIVE" | "DRAINING" | "INACTIVE";
  desiredCount: number;
  runningCount: number;
  pendingCount: number;
  /** The primary deployment first; tasks of the others are being replaced. */
  deployments: FleetDeployment[];
  /** Newest first. */
  events: FleetEvent[];
  tags: Readonly<Record<string, string>>;
};

export type FleetDeployment = {
  id: string;
  isPrimary: boolean;
  taskDefinition: string;
  desiredCount: number;
  runningCount: number;
  pendingCount: number;
  failedTasks: number;
  rolloutState: "IN_PROGRESS" | "COMPLETED" | "FAILED";
  reason: string;
  createdAtMs: number;
};

export type FleetEvent = { id: string; atMs: number; message: string };

export type FleetTask = {
  arn: string;
  taskDefinition: string;
  desiredStatus: "RUNNING" | "STOPPED";
  lastStatus: string;
  health: "HEALTHY" | "UNHEALTHY" | "UNKNOWN";
  /** Where it can be reached, as soon as that is known: the port of the machine for each port of a container. */
  address: { host: string; ports: ReadonlyMap<number, number> } | undefined;
  createdAtMs: number;
  startedAtMs: number | undefined;
  stoppedAtMs: number | undefined;
  stopCode: string | undefined;
  stoppedReason: string | undefined;
  containers: FleetContainer[];
  tags: Readonly<Record<string, string>>;
};

export type FleetContainer = {
  name: string;
  lastStatus: string;
  exitCode: number | undefined;
  reason: string | undefined;
};

/** A task definition as it is registered, without its tags. */
export type Manifest = {
  family: string;
  containerDefinitions: readonly object[];
} & Readonly<Record<string, unknown>>;

/** The tag of task definitions, and the label of their containers, that has the id of the deploy. */
export const DEPLOY_TAG = "ctl:deployment";

export type Registration = {
  /**
   * The id of the deploy. Each deploy has a task definition of its own, also of a release that was deployed before: only a new
   * task definition makes a new deployment, and only in a deployment the circuit breaker counts what fails.
   */
  deployId: string;
  tags: Readonly<Record<string, string>>;
};

export type OneOff = {
  taskDefinition: string;
  /** Names the work: with the same token it is run once in 24 hours, however often it is asked for. */
  token: string;
  /** Instead of the command of a container. */
  command?: { container: string; command: readonly string[] };
  tags?: Readonly<Record<string, string>>;
};

/** What a service shall be. */
export type Target = { taskDefinition: string; count: number };

/**
 * The only way to the fleet. All calls may be repeated with the same effect. Each is repeated by itself when it is throttled or
 * gets no answer, and then throws an AppError. What is read may be some seconds old.
 */
export type FleetClient = {
  /** The same fleet, whose calls and their repetitions end when the signal aborts. */
  until(signal: AbortSignal): FleetClient;
  /** @throws AppError not_found if there is no such cluster */
  checkCluster(): Promise<void>;
  /** Undefined for names that are not there. At most ten names. */
  services(names: readonly string[]): Promise<(FleetService | undefined)[]>;
  /** A service as it is now: by a write that changes nothing, whose answer is never old. */
  currentService(name: string): Promise<FleetService | undefined>;
  /** Creates a service without tasks; one that is there stays as it is. */
  ensureService(
    service: Target & { name: string; tags: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** Returns the id of the deployment that moves the service there. A failed deployment is tried again. */
  deploy(name: string, target: Target): Promise<string>;
  /** Without a new deployment. */
  scale(name: string, count: number): Promise<void>;
  /** The task definition with this content for a deploy, registered unless it is already. */
  register(manifest: Manifest, of: Registration): Promise<string>;
  /** Runs a one-off task. Returns its ARN. */
  run(work: OneOff): Promise<string>;
  /** The one-off task with this token, for an hour after its end. */
  findRun(token: string): Promise<FleetTask | undefined>;
  /** The tags of a task definition. */
  tagsOf(taskDefinition: string): Promise<Readonly<Record<string, string>>>;
  /** Tasks of a service that shall run, or those that were told to stop, until an hour after their end. */
  tasks(name: string, which?: "RUNNING" | "STOPPED"): Promise<FleetTask[]>;
  /** Tasks by ARN; those that are not known are left out. */
  tasksByArn(arns: readonly string[]): Promise<FleetTask[]>;
  close(): void;
};
