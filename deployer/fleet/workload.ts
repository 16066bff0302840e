import type { Manifest } from "./fleet-client.ts";

/** What a task of a workload runs: one description for the processes of this machine and for the containers of an image. */
export type Workload = {
  /** The family of its task definitions. */
  name: string;
  /** CPU units (1,024 are one CPU) and MiB that a task reserves. */
  cpu: number;
  memory: number;
  /** The port at which load balancers reach a task, and the path that they check. */
  port: number;
  checkPath: string;
  /** The program that is there for the others comes last. */
  programs: readonly WorkloadProgram[];
};

export type WorkloadProgram = {
  name: string;
  /** Run in the folder of the release. */
  command: readonly string[];
  /** The port on which it listens, inside of the container. */
  port: number;
  /** Tells the program where it listens, and where others of the task do. */
  placeVariables(place: Place): Readonly<Record<string, string>>;
  /** Answers 200 while the program is alive; a database that is down must not make it fail, as all tasks would be replaced. */
  alivePath: string;
  /** How long it may take until it is alive. */
  startS: number;
  /** How long it may take after SIGTERM. */
  stopS: number;
  /** It is started when this one is healthy, and stopped before it. */
  after?: string;
  /** Variables with secrets that it may be given. */
  secrets: readonly string[];
  /** Whether it has a data folder, and one that all tasks of the workload share, which outlives them. */
  files: "none" | "own" | "shared";
};

/** Addresses and ports as text, in which a shell replaces variables where tasks are processes of this machine. */
export type Place = {
  /** To listen on. */
  own: string;
  /** To reach another program of the task. */
  peer: string;
  port(containerPort: number): string;
};

const LOCAL: Place = {
  own: "$TASK_ADDRESS",
  peer: "$TASK_ADDRESS",
  port: (containerPort) => `$TASK_PORT_${containerPort}`,
};

export type LocalRelease = {
  /** Has the files of the release, with node_modules. */
  folder: string;
  name: string;
  /** Settings of all programs. Secrets belong into files that they name (NAME_FILE). */
  environment: Readonly<Record<string, string>>;
};

/** The task definition of a release whose programs are processes of this machine. */
export function localManifest(workload: Workload, release: LocalRelease): Manifest {
  const { name, cpu, memory, programs } = workload;
  return {
    family: name,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: String(cpu),
    memory: String(memory),
    containerDefinitions: programs.map((program) => containerOf(program, workload, release)),
  };
}

function containerOf(program: WorkloadProgram, { name }: Workload, release: LocalRelease): object {
  const { folder, environment } = release;
  const programs = `${folder}/node_modules/.bin:${process.env["PATH"] ?? ""}`;
  return {
    ...containerParts(program, (port, path) => ["HTTP", `http://127.0.0.1:${port}${path}`]),
    image: `${name}:${release.name}`,
    command: ["/bin/sh", "-c", launcher(program), "sh", ...program.command],
    workingDirectory: folder,
    environment: writeVariables({ PATH: programs, ...environment }),
  };
}

/** What a container has wherever it runs. `check` makes the command that asks the program whether it is alive. */
export function containerParts(
  { name, port, alivePath, startS, stopS, after }: WorkloadProgram,
  check: (port: number, path: string) => string[],
) {
  return {
    name,
    essential: true,
    portMappings: [{ containerPort: port, protocol: "tcp" as const }],
    healthCheck: {
      command: check(port, alivePath),
      interval: 5,
      timeout: 4,
      retries: 3,
      startPeriod: startS,
    },
    stopTimeout: stopS,
    ...(after === undefined
      ? {}
      : { dependsOn: [{ containerName: after, condition: "HEALTHY" as const }] }),
  };
}

export const writeVariables = (variables: Readonly<Record<string, string>>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));

/** A shell that sets the variables of the place and becomes the program. */
function launcher({ placeVariables }: WorkloadProgram): string {
  const assignments = Object.entries(placeVariables(LOCAL)).map(
    ([name, text]) => `${name}="${text}"`,
  );
  return `${assignments.join(" ")} exec "$@"`;
}
