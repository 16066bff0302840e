import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import type { Workload } from "#deployer/fleet/workload.ts";
import { AppError } from "#platform/errors.ts";
import { readYaml } from "#platform/yaml.ts";

import type { ManagedWorkload } from "./managed-workload.ts";

const HttpPath = z.string().regex(/^\/\S{0,199}$/, "give a path, such as /healthz");
const Command = z.array(z.string().min(1)).min(1).max(100);
const Seconds = z.int().min(1).max(600);

const Entry = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "give 1 to 40 of a-z, 0-9 and -"),
  /** Run in the folder of the release; listens on TASK_ADDRESS and TASK_PORT_<port>. */
  command: Command,
  port: z.int().min(1).max(65_535),
  /** Where clients reach it through the edge; by default the next one after those of the workloads before it. */
  edgePort: z.int().min(1).max(65_535).optional(),
  check: HttpPath.default("/healthz"),
  /** Has a folder for each release. */
  releases: z.string().min(1),
  tasks: z.int().min(1).max(100).default(2),
  cpu: z.int().min(1).default(128),
  memory: z.int().min(4).default(128),
  startSeconds: Seconds.default(60),
  stopSeconds: Seconds.default(30),
  environment: z.record(z.string(), z.string()).default({}),
  expand: Command.optional(),
  contract: Command.optional(),
});
const WorkloadsFile = z.strictObject({ workloads: z.array(Entry).max(100) });

/** Slots that a colour needs beside those of its tasks, for tasks that replace others. */
const SLOTS_SPARE = 2;

export const workloadsFileIn = (dataFolder: string): string =>
  path.join(dataFolder, "workloads.yaml");

/**
 * The workloads of `workloads.yaml` in the data folder; none without the file.
 * @throws AppError bad_request with the field and its line
 */
export function readWorkloadsFile(dataFolder: string): ManagedWorkload[] {
  const file = workloadsFileIn(dataFolder);
  if (!existsSync(file)) return [];
  const read = readYaml(readFileSync(file, "utf8"));
  if (!read.ok) throw new AppError("bad_request", `${file}: ${read.message}`);
  const parsed = WorkloadsFile.safeParse(read.value);
  if (parsed.success) {
    return parsed.data.workloads.map((it) => managedOf(it, path.dirname(path.resolve(file))));
  }
  const mistakes = parsed.error.issues.map(({ path: keys, message }) => {
    const names = keys.map(String);
    return `line ${read.lineOf(names)}: ${names.join(".")}: ${message}`;
  });
  throw new AppError("bad_request", `${file}: ${mistakes.join("; ")}`);
}

function managedOf(entry: z.output<typeof Entry>, folder: string): ManagedWorkload {
  const { releases, tasks, environment, expand, contract } = entry;
  return {
    workload: workloadOf(entry),
    tasks,
    slots: tasks + SLOTS_SPARE,
    edgePort: entry.edgePort,
    environmentOf: (release) => ({ ...environment, RELEASE: release }),
    releasesFolder: path.resolve(folder, releases),
    ownFolder: undefined,
    migrations: {
      ...(expand === undefined ? {} : { expand }),
      ...(contract === undefined ? {} : { contract }),
    },
  };
}

const workloadOf = (entry: z.output<typeof Entry>): Workload => ({
  name: entry.name,
  cpu: entry.cpu,
  memory: entry.memory,
  port: entry.port,
  checkPath: entry.check,
  programs: [
    {
      name: "app",
      command: entry.command,
      port: entry.port,
      placeVariables: () => ({}),
      alivePath: entry.check,
      startS: entry.startSeconds,
      stopS: entry.stopSeconds,
      secrets: [],
      files: "none",
    },
  ],
});
