import type { ContainerDefinition, MountPoint, Volume } from "@aws-sdk/client-ecs";

import type { FleetTask, Manifest } from "./fleet-client.ts";
import { idOf } from "./read-task.ts";
import {
  containerParts,
  type Place,
  type Workload,
  type WorkloadProgram,
  writeVariables,
} from "./workload.ts";

/** Where a release of a workload runs on Amazon ECS, and with which rights. */
export type EcsRelease = {
  /** The image of the workload, by digest. */
  image: string;
  launchType: "FARGATE" | "EC2";
  /** Settings of all programs. */
  environment: Readonly<Record<string, string>>;
  /** By variable: the ARN of a secret of Secrets Manager. A program gets those that it reads. */
  secrets: Readonly<Record<string, string>>;
  /** ARNs: what the programs may do, and what Amazon ECS may do to start them. */
  taskRole: string;
  executionRole: string;
  logs: { group: string; region: string };
  /** Asks a program in its container whether it is alive. */
  healthCommand(port: number, path: string): string[];
  /** For workloads whose tasks share files: an access point of a file system of Amazon EFS. */
  files: { fileSystem: string; accessPoint: string } | undefined;
};

/** In an image: where data are, and whose the processes are (docker/Dockerfile). */
const DATA = "/data";
const USER = "10001:10001";
const OPEN_FILES_MAX = 65_535;

/** Containers of a task share a network interface, which has the ports of all of them. */
const IN_VPC: Place = { own: "0.0.0.0", peer: "127.0.0.1", port: String };

/** The task definition of a release whose programs are containers, for Amazon ECS. */
export function ecsManifest(workload: Workload, release: EcsRelease): Manifest {
  const { name, cpu, memory, programs } = workload;
  const volumes = programs.flatMap((program) =>
    volumesOf(program, release).map(({ volume }) => volume),
  );
  return {
    family: name,
    networkMode: "awsvpc",
    requiresCompatibilities: [release.launchType],
    runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
    cpu: String(cpu),
    memory: String(memory),
    taskRoleArn: release.taskRole,
    executionRoleArn: release.executionRole,
    volumes,
    containerDefinitions: programs.map((program) => containerOf(program, workload, release)),
  };
}

function containerOf(
  program: WorkloadProgram,
  { name }: Workload,
  release: EcsRelease,
): ContainerDefinition {
  const { launchType, logs, environment } = release;
  const data = program.files === "none" ? {} : { QUARTERDECK_DATA: DATA };
  const variables = { ...environment, ...data, ...program.placeVariables(IN_VPC) };
  return {
    ...containerParts(program, (port, path) => release.healthCommand(port, path)),
    image: release.image,
    command: [...program.command],
    environment: writeVariables(variables),
    secrets: Object.entries(release.secrets).flatMap(([variable, valueFrom]) =>
      program.secrets.includes(variable) ? [{ name: variable, valueFrom }] : [],
    ),
    user: USER,
    readonlyRootFilesystem: true,
    linuxParameters: { initProcessEnabled: true, capabilities: { drop: ["ALL"] } },
    ulimits: [{ name: "nofile", softLimit: OPEN_FILES_MAX, hardLimit: OPEN_FILES_MAX }],
    // Fargate refuses the option.
    ...(launchType === "EC2" ? { dockerSecurityOptions: ["no-new-privileges"] } : {}),
    mountPoints: volumesOf(program, release).map(({ volume, containerPath }): MountPoint => ({
      ...(volume.name === undefined ? {} : { sourceVolume: volume.name }),
      containerPath,
    })),
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": logs.group,
        "awslogs-region": logs.region,
        "awslogs-stream-prefix": name,
        // A log service that is slow must not stop the program.
        mode: "non-blocking",
        "max-buffer-size": "25m",
      },
    },
  };
}

type Mounted = { volume: Volume; containerPath: string };

/** The only places where a program can write. */
function volumesOf({ name, files }: WorkloadProgram, release: EcsRelease): Mounted[] {
  const temporary = { volume: { name: `${name}-temporary` }, containerPath: "/tmp" };
  if (files === "none") return [temporary];
  const shared = files === "shared" ? sharedFiles(release) : {};
  return [temporary, { volume: { name: `${name}-data`, ...shared }, containerPath: DATA }];
}

function sharedFiles({ files }: EcsRelease): Volume {
  if (files === undefined) throw new Error("the tasks share files, and no file system is given");
  return {
    efsVolumeConfiguration: {
      fileSystemId: files.fileSystem,
      transitEncryption: "ENABLED",
      authorizationConfig: { accessPointId: files.accessPoint, iam: "ENABLED" },
    },
  };
}

/** Where the output of a container is in CloudWatch Logs, for people. */
export function logPlace(task: FleetTask, container: string, group: string): string {
  const family = idOf(task.taskDefinition).replace(/:\d+$/, "");
  return `CloudWatch Logs: group ${group}, stream ${family}/${container}/${idOf(task.arn)}`;
}
