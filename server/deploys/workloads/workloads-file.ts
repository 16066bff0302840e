import path from "node:path";

import { z } from "zod";

import type { Workload } from "#deployer/fleet/workload.ts";

import { SecretArn } from "../ecs/api-variables.ts";
import type { EcsPlace } from "../ecs/ecs-file.ts";
import { type EcsWorkload, imageReleases } from "../ecs/image-releases.ts";
import { localReleases } from "./local-releases.ts";
import type { ManagedWorkload } from "./managed-workload.ts";
import { readYamlFile } from "./yaml-file.ts";

const HttpPath = z.string().regex(/^\/\S{0,199}$/, "give a path, such as /healthz");
const Command = z.array(z.string().min(1)).min(1).max(100);
const Seconds = z.int().min(1).max(600);

const entry = {
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "give 1 to 40 of a-z, 0-9 and -"),
  /** Run in the folder of the release; listens on TASK_ADDRESS and TASK_PORT_<port>. */
  command: Command,
  port: z.int().min(1).max(65_535),
  /** Where clients reach it through the edge; by default the next one after those of the workloads before it. */
  edgePort: z.int().min(1).max(65_535).optional(),
  check: HttpPath.default("/healthz"),
  tasks: z.int().min(1).max(100).default(2),
  startSeconds: Seconds.default(60),
  stopSeconds: Seconds.default(30),
  environment: z.record(z.string(), z.string()).default({}),
  expand: Command.optional(),
  contract: Command.optional(),
};
const Units = z.int().min(1);

const IMAGE_ONLY =
  "is for Amazon ECS: set QUARTERDECK_ECS_REGION, or leave it out to deploy on this machine";
const LocalEntry = z.strictObject({
  ...entry,
  /** Has a folder for each release. */
  releases: z
    .string({ error: "give the folder that has a folder for each release" })
    .min(1, "give the folder that has a folder for each release"),
  cpu: Units.default(128),
  memory: Units.min(4).default(128),
  secrets: z.undefined({ error: IMAGE_ONLY }).optional(),
  image: z.unknown().optional(),
  healthCommand: z.unknown().optional(),
});

const HINTS = {
  image:
    "give the image on Amazon ECS without a tag, such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop: a release is its tag",
  healthCommand:
    'give the command that asks the program in its container whether it is alive, such as [curl, -fsS, "http://127.0.0.1:8080/healthz"]',
};
const EcsEntry = z.strictObject({
  ...entry,
  /** Its tag is the release. */
  image: z
    .string({ error: HINTS.image })
    .regex(/^[a-z0-9][a-z0-9.-]*(?::\d+)?(?:\/[a-z0-9][a-z0-9._-]*)+$/, HINTS.image),
  /** Succeeds while the program is alive. */
  healthCommand: z.array(z.string().min(1), { error: HINTS.healthCommand }).min(1).max(100),
  /** By variable. */
  secrets: z.record(z.string(), SecretArn).default({}),
  /** The smallest task of Fargate. */
  cpu: Units.default(256),
  memory: Units.default(512),
  releases: z.unknown().optional(),
});

const fileOf = <Of extends z.ZodType>(of: Of) =>
  z.strictObject({ workloads: z.array(of).max(100) });

/** Slots that a colour needs beside those of its tasks, for tasks that replace others. */
const SLOTS_SPARE = 2;

export const workloadsFileIn = (dataFolder: string): string =>
  path.join(dataFolder, "workloads.yaml");

/**
 * The workloads of `workloads.yaml` in the data folder, as they run on this machine or on Amazon ECS; none without the file.
 * @throws AppError bad_request with the field and its line
 */
export const readWorkloadsFile = (
  dataFolder: string,
  ecs: EcsPlace | undefined,
): ManagedWorkload[] => (ecs ? readEcsWorkloads(dataFolder, ecs) : readLocalWorkloads(dataFolder));

function readLocalWorkloads(dataFolder: string): ManagedWorkload[] {
  const file = workloadsFileIn(dataFolder);
  const entries = readYamlFile(file, fileOf(LocalEntry))?.workloads ?? [];
  return entries.map((it) => {
    const common = commonOf(it, []);
    const folder = path.resolve(path.dirname(path.resolve(file)), it.releases);
    const releases = { ...common, name: it.name, folder, otherwise: undefined };
    return { ...common, ...localReleases(releases) };
  });
}

/** Likewise, for Amazon ECS. @throws AppError bad_request with the field and its line */
export function readEcsWorkloads(dataFolder: string, place: EcsPlace): EcsWorkload[] {
  const entries = readYamlFile(workloadsFileIn(dataFolder), fileOf(EcsEntry))?.workloads ?? [];
  return entries.map((it) => {
    const { name, image, secrets, healthCommand } = it;
    const common = commonOf(it, Object.keys(secrets));
    const images = {
      ...common,
      name,
      image,
      secrets,
      healthCommand: () => ["CMD", ...healthCommand],
    };
    return { ...common, image, secrets, ...imageReleases(images, place) };
  });
}

type Entry = z.output<typeof LocalEntry> | z.output<typeof EcsEntry>;

function commonOf(of: Entry, secrets: readonly string[]) {
  const { tasks, environment, expand, contract } = of;
  return {
    workload: workloadOf(of, secrets),
    tasks,
    slots: tasks + SLOTS_SPARE,
    edgePort: of.edgePort,
    environmentOf: (release: string) => ({ ...environment, RELEASE: release }),
    migrations: {
      ...(expand === undefined ? {} : { expand }),
      ...(contract === undefined ? {} : { contract }),
    },
  };
}

const workloadOf = (of: Entry, secrets: readonly string[]): Workload => ({
  name: of.name,
  cpu: of.cpu,
  memory: of.memory,
  port: of.port,
  checkPath: of.check,
  programs: [
    {
      name: "app",
      command: of.command,
      port: of.port,
      placeVariables: (place) => ({
        TASK_ADDRESS: place.own,
        [`TASK_PORT_${of.port}`]: place.port(of.port),
      }),
      alivePath: of.check,
      startS: of.startSeconds,
      stopS: of.stopSeconds,
      secrets,
      files: "none",
    },
  ],
});
