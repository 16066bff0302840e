import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import {
  type FileHandle,
  chown,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import path from "node:path";

import { AppError } from "../errors.ts";
import { installedBinaries, reachableBinaries, versionOf } from "./binaries.ts";
import { type Identity, serverIdentity } from "./identity.ts";

/** The files of the embedded server in `<data>/postgres/`, readable only by their owner. */
export type Cluster = {
  /** Holds password, lease and log. */
  folder: string;
  /** PGDATA. */
  data: string;
  log: string;
  /** `bin`, `lib`, `share`. */
  binaries: string;
  identity: Identity;
  password: string;
};

export const USER = "quarterdeck";
/** The first descriptor after stdin, stdout and stderr. */
const FIRST_DESCRIPTOR = 3;

/** Finds the cluster of a data folder, or creates it. Must be called by the holder of its lease. */
export async function prepareCluster(dataFolder: string): Promise<Cluster> {
  const folder = path.join(dataFolder, "postgres");
  const data = path.join(folder, "cluster");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const identity = identityFor(data);
  const installed = await installedBinaries();
  const binaries = identity.byDescriptor ? await reachableBinaries(installed) : installed;
  const password = await keptPassword(path.join(folder, "password"), existsSync(data));
  const cluster = {
    folder,
    data,
    log: path.join(folder, "server.log"),
    binaries,
    identity,
    password,
  };
  if (existsSync(data)) await checkVersion(data, installed);
  else await initialise(cluster);
  return cluster;
}

export type ProgramOptions = {
  /** A folder (and a file) for the program, also passed as descriptors from 3 on. */
  paths: string[];
  /** The arguments, for paths that the program can reach as its user. */
  args(paths: string[]): string[];
  /** A shell script that finally runs its arguments. */
  script?: string;
  detached?: boolean;
};

/** Runs a program of the cluster. */
export async function runProgram(
  cluster: Cluster,
  program: "initdb" | "postgres",
  options: ProgramOptions,
): Promise<ChildProcess> {
  const { byDescriptor, credentials } = cluster.identity;
  const output = await open(cluster.log, "a", 0o600);
  const handles: FileHandle[] = [];
  try {
    for (const it of options.paths) handles.push(await open(it, "r"));
    const paths = byDescriptor
      ? handles.map((_, index) => `/proc/self/fd/${index + FIRST_DESCRIPTOR}`)
      : options.paths;
    const file = path.join(cluster.binaries, "bin", program);
    const { script } = options;
    const [command, args] =
      script === undefined
        ? [file, options.args(paths)]
        : ["/bin/sh", ["-c", script, program, file, ...options.args(paths)]];
    const child = spawn(command, args, {
      ...credentials,
      cwd: "/",
      env: { PATH: process.env["PATH"], NODE_ENV: process.env.NODE_ENV, LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", output.fd, output.fd, ...handles.map((it) => it.fd)],
      detached: options.detached === true,
    });
    await once(child, "spawn");
    return child;
  } catch (error) {
    throw new AppError(
      "unavailable",
      `PostgreSQL could not be started as user ${credentials.uid ?? "of this process"}: ${error instanceof Error ? error.message : String(error)}. Set DATABASE_URL to use your own server.`,
      { cause: error },
    );
  } finally {
    await Promise.all([output, ...handles].map((it) => it.close()));
  }
}

export async function lastLogLines(cluster: Cluster): Promise<string> {
  const text = await readFile(cluster.log, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-5).join("\n");
}

/** As root, the server runs as the owner of the cluster, so that its files keep their owner. */
function identityFor(data: string): Identity {
  const identity = serverIdentity();
  if (identity === undefined) {
    throw new AppError(
      "unavailable",
      "PostgreSQL does not run as root on this system. Start Quarterdeck as a normal user, or set DATABASE_URL.",
    );
  }
  if (!identity.byDescriptor || !existsSync(data)) return identity;
  const { uid, gid } = statSync(data);
  return uid === 0 ? identity : { ...identity, credentials: { uid, gid } };
}

/** Creates the cluster under another name and renames it, so that it is complete or absent. */
async function initialise(cluster: Cluster): Promise<void> {
  const unfinished = `${cluster.data}.new`;
  const passwordFile = path.join(cluster.folder, "password.init");
  await rm(unfinished, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
  const { uid, gid } = cluster.identity.credentials;
  if (uid !== undefined && gid !== undefined) {
    await chown(unfinished, uid, gid);
    await chown(passwordFile, uid, gid);
  }
  const child = await runProgram(cluster, "initdb", {
    paths: [unfinished, passwordFile],
    args: ([folder = "", file = ""]) => [
      "-D",
      folder,
      `--username=${USER}`,
      `--pwfile=${file}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions",
    ],
  });
  const status = child.exitCode ?? (await once(child, "exit"))[0];
  await rm(passwordFile, { force: true });
  if (status !== 0) {
    throw new AppError(
      "unavailable",
      `PostgreSQL could not create its folder ${cluster.data} (initdb exited with ${String(status)}):\n${await lastLogLines(cluster)}`,
    );
  }
  await rename(unfinished, cluster.data);
}

async function keptPassword(file: string, clusterExists: boolean): Promise<string> {
  const kept = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new AppError(
      "unavailable",
      `${file} cannot be read: was this data folder created by another user? Start Quarterdeck as that user, or choose another folder with --data.`,
      { cause: error },
    );
  });
  if (kept.trim() !== "") return kept.trim();
  if (clusterExists) {
    throw new AppError(
      "unavailable",
      `${file} is missing, and the database beside it cannot be used without it. Restore it from a backup, or move that folder away to start with an empty one.`,
    );
  }
  const password = randomBytes(32).toString("hex");
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, password, { mode: 0o600, flush: true });
  await rename(unfinished, file);
  return password;
}

async function checkVersion(data: string, installed: string): Promise<void> {
  const made = (await readFile(path.join(data, "PG_VERSION"), "utf8").catch(() => "")).trim();
  const major = (await versionOf(installed)).split(".")[0];
  if (made === major) return;
  throw new AppError(
    "unavailable",
    made === ""
      ? `${data} is not a PostgreSQL cluster (PG_VERSION is missing). Restore it from a backup, or move the folder away to start with an empty one.`
      : `${data} was created by PostgreSQL ${made}, and this Quarterdeck contains ${String(major)}. Start the Quarterdeck that created it, dump its database with pg_dump, and restore it into a new folder or a server named by DATABASE_URL.`,
  );
}
