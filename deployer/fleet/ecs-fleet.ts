import { createHash } from "node:crypto";

import {
  type ContainerOverride,
  CreateServiceCommand,
  DescribeClustersCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  type ListTasksCommandInput,
  paginateListTaskDefinitions,
  paginateListTasks,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";

import { AppError } from "#platform/errors.ts";

import {
  DEPLOY_TAG,
  type FleetClient,
  type FleetService,
  type FleetTask,
  type Manifest,
  type OneOff,
  type Registration,
  type Target,
} from "./fleet-client.ts";
import { asAppError, noCluster, noPlace } from "./fleet-error.ts";
import { readService, readTags, writeTags } from "./read-service.ts";
import { readTask } from "./read-task.ts";
import { DEPLOYMENT, type FleetPlace, networkOf, serviceInput } from "./service-input.ts";

const DESCRIBED_MAX = 100;
/** How many revisions of a family are examined for one with the same content. */
const REVISIONS_MAX = 20;

/** The tag that has the checksum of a task definition. */
const CHECKSUM_TAG = "ctl:manifest-sha";

/** `refusal`: the error with which the last attempt of any request was answered; undefined if it succeeded. */
export type Attempts = { refusal: Error | undefined };

type Options = { signal?: AbortSignal; attempts?: Attempts };

/** The fleet behind a client of the SDK. */
export class EcsFleet implements FleetClient {
  readonly #client: ECSClient;
  readonly #place: FleetPlace;
  readonly #cluster: string;
  readonly #attempts: Attempts;
  /** Of each request. */
  readonly #http: { abortSignal?: AbortSignal };

  constructor(
    client: ECSClient,
    place: FleetPlace,
    { signal, attempts = { refusal: undefined } }: Options = {},
  ) {
    this.#client = client;
    this.#place = place;
    this.#cluster = place.cluster;
    this.#attempts = attempts;
    this.#http = signal ? { abortSignal: signal } : {};
  }

  until(signal: AbortSignal): EcsFleet {
    return new EcsFleet(this.#client, this.#place, { signal, attempts: this.#attempts });
  }

  async checkCluster(): Promise<void> {
    const cluster = this.#cluster;
    const command = new DescribeClustersCommand({ clusters: [cluster] });
    const { clusters = [] } = await this.#try(this.#client.send(command, this.#http));
    if (clusters.some(({ status }) => status === "ACTIVE")) return;
    throw noCluster(cluster);
  }

  async services(names: readonly string[]): ReturnType<FleetClient["services"]> {
    const command = new DescribeServicesCommand({
      cluster: this.#cluster,
      services: [...names],
      include: ["TAGS"],
    });
    const { services = [] } = await this.#try(this.#client.send(command, this.#http));
    const found = services.map(readService).filter(({ status }) => status !== "INACTIVE");
    return names.map((name) => found.find((it) => it.name === name));
  }

  async currentService(name: string): Promise<FleetService | undefined> {
    const command = new UpdateServiceCommand({ cluster: this.#cluster, service: name });
    try {
      const { service } = await this.#try(this.#client.send(command, this.#http));
      return service && readService(service);
    } catch (error) {
      if (error instanceof AppError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  async ensureService(
    service: Target & { name: string; tags: Readonly<Record<string, string>> },
  ): Promise<void> {
    const [existing] = await this.services([service.name]);
    if (existing) return;
    const command = new CreateServiceCommand({
      ...serviceInput(this.#place, service),
      clientToken: tokenOf(`service ${this.#cluster} ${service.name}`, 36),
    });
    await this.#try(this.#client.send(command, this.#http));
  }

  /**
   * Sending the same values again changes nothing. The answer of a write is never old, so it is used to find out whether
   * the current deployment has failed, in which case the same values would not start tasks again. If the answer to that second
   * write is lost, its repetition makes one more deployment with the same content.
   */
  async deploy(name: string, { taskDefinition, count }: Target): Promise<string> {
    const update = {
      cluster: this.#cluster,
      service: name,
      taskDefinition,
      desiredCount: count,
      deploymentConfiguration: DEPLOYMENT,
    };
    const first = await this.#try(this.#client.send(new UpdateServiceCommand(update), this.#http));
    const [primary] = readService(first.service ?? {}).deployments;
    if (primary?.rolloutState !== "FAILED") return primary?.id ?? "";
    const forced = new UpdateServiceCommand({ ...update, forceNewDeployment: true });
    const { service } = await this.#try(this.#client.send(forced, this.#http));
    return readService(service ?? {}).deployments[0]?.id ?? "";
  }

  async scale(name: string, count: number): Promise<void> {
    const update = { cluster: this.#cluster, service: name, desiredCount: count };
    await this.#try(this.#client.send(new UpdateServiceCommand(update), this.#http));
  }

  async register(manifest: Manifest, { deployId, tags }: Registration): Promise<string> {
    const { family, containerDefinitions } = manifest;
    const input: RegisterTaskDefinitionCommandInput = {
      ...manifest,
      containerDefinitions: containerDefinitions.map((container) => ({
        name: undefined,
        ...container,
        dockerLabels: { [DEPLOY_TAG]: deployId },
      })),
    };
    const checksum = createHash("sha256").update(JSON.stringify(input)).digest("hex");
    const existing = await this.#findDefinition(family, checksum);
    if (existing !== undefined) return existing;
    const tagged = {
      ...input,
      tags: writeTags({ ...tags, [DEPLOY_TAG]: deployId, [CHECKSUM_TAG]: checksum }),
    };
    const { taskDefinition } = await this.#try(
      this.#client.send(new RegisterTaskDefinitionCommand(tagged), this.#http),
    );
    return taskDefinition?.taskDefinitionArn ?? "";
  }

  async #findDefinition(familyPrefix: string, checksum: string): Promise<string | undefined> {
    const pages = paginateListTaskDefinitions(
      { client: this.#client, pageSize: REVISIONS_MAX },
      { familyPrefix, sort: "DESC", status: "ACTIVE" },
      this.#http,
    );
    const { value } = await this.#try(pages.next());
    for (const taskDefinition of value?.taskDefinitionArns ?? []) {
      const tags = await this.tagsOf(taskDefinition);
      if (tags[CHECKSUM_TAG] === checksum) return taskDefinition;
    }
    return undefined;
  }

  async tagsOf(taskDefinition: string): Promise<Readonly<Record<string, string>>> {
    const described = new DescribeTaskDefinitionCommand({ taskDefinition, include: ["TAGS"] });
    const { tags } = await this.#try(this.#client.send(described, this.#http));
    return readTags(tags);
  }

  async run({ taskDefinition, token, command, tags = {} }: OneOff): Promise<string> {
    const containerOverrides: ContainerOverride[] = command
      ? [{ name: command.container, command: [...command.command] }]
      : [];
    const run = new RunTaskCommand({
      cluster: this.#cluster,
      taskDefinition,
      count: 1,
      clientToken: tokenOf(token, 64),
      startedBy: tokenOf(token, 36),
      launchType: this.#place.launchType,
      networkConfiguration: networkOf(this.#place),
      overrides: { containerOverrides },
      tags: writeTags(tags),
    });
    const { tasks = [], failures = [] } = await this.#try(this.#client.send(run, this.#http));
    const arn = tasks[0]?.taskArn;
    if (arn !== undefined) return arn;
    throw noPlace(failures.map(({ reason = "" }) => reason));
  }

  async findRun(token: string): Promise<FleetTask | undefined> {
    const startedBy = tokenOf(token, 36);
    for (const desiredStatus of ["RUNNING", "STOPPED"] as const) {
      const [task] = await this.#list({ startedBy, desiredStatus });
      if (task) return task;
    }
    return undefined;
  }

  tasks(
    serviceName: string,
    desiredStatus: "RUNNING" | "STOPPED" = "RUNNING",
  ): Promise<FleetTask[]> {
    return this.#list({ serviceName, desiredStatus });
  }

  async #list(filter: Omit<ListTasksCommandInput, "cluster">): Promise<FleetTask[]> {
    const pages = paginateListTasks(
      { client: this.#client, pageSize: DESCRIBED_MAX },
      { cluster: this.#cluster, ...filter },
      this.#http,
    );
    const tasks: FleetTask[] = [];
    for (;;) {
      const { value, done } = await this.#try(pages.next());
      if (done === true) return tasks;
      tasks.push(...(await this.tasksByArn(value?.taskArns ?? [])));
    }
  }

  async tasksByArn(arns: readonly string[]): Promise<FleetTask[]> {
    const tasks: FleetTask[] = [];
    for (let from = 0; from < arns.length; from += DESCRIBED_MAX) {
      const command = new DescribeTasksCommand({
        cluster: this.#cluster,
        tasks: arns.slice(from, from + DESCRIBED_MAX),
        include: ["TAGS"],
      });
      const described = await this.#try(this.#client.send(command, this.#http));
      tasks.push(...(described.tasks ?? []).map(readTask));
    }
    return tasks;
  }

  close(): void {
    this.#client.destroy();
  }

  async #try<T>(sending: Promise<T>): Promise<T> {
    try {
      return await sending;
    } catch (error) {
      throw asAppError(error, this.#attempts.refusal);
    }
  }
}

/** A text of a limited length that differs for different names. */
const tokenOf = (name: string, length: number): string =>
  createHash("sha256").update(name).digest("hex").slice(0, length);
