import type { Stats } from "node:fs";
import { access, constants, glob, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { lacksFiles } from "#platform/open-files.ts";

import { RefusedFile } from "./file-kind.ts";

/** A file that was found; `key` does not depend on its name. `pattern` is the path or pattern that matches it. */
export type FoundFile = {
  path: string;
  key: string;
  size: number;
  mtimeMs: number;
  pattern: string;
};

type FileProblem = { message: string; pattern: string };

export type ScanResult = {
  /** Oldest first. */
  files: FoundFile[];
  /** The folders to watch for new and deleted files. */
  folders: Set<string>;
  /** Paths and patterns that cannot be read, with the reason. */
  problems: Map<string, FileProblem>;
};

export const GLOB_CHARACTERS = /[*?[\]{}]/;

/** Looks up all paths and patterns. A path that exists literally is not a pattern. */
export async function scanFiles(paths: readonly string[]): Promise<ScanResult> {
  const found = new Map<string, FoundFile>();
  const result: ScanResult = { files: [], folders: new Set(), problems: new Map() };
  for (const path of paths) {
    const literal = await look(path, path, result);
    if (literal) keep(literal, found);
    else if (GLOB_CHARACTERS.test(path)) await scanPattern(path, found, result);
    result.folders.add(folderOf(path));
  }
  result.files = [...found.values()].toSorted((a, b) => a.mtimeMs - b.mtimeMs || compare(a, b));
  return result;
}

async function scanPattern(
  pattern: string,
  found: Map<string, FoundFile>,
  result: ScanResult,
): Promise<void> {
  let matches = 0;
  result.problems.delete(pattern);
  try {
    for await (const path of glob(pattern)) {
      const file = await look(path, pattern, result);
      result.folders.add(dirname(path));
      matches += 1;
      if (file) keep(file, found);
      else if (result.problems.get(path)?.message.startsWith("is a folder"))
        result.problems.delete(path);
    }
  } catch (error) {
    result.problems.set(pattern, { message: explain(error), pattern });
    return;
  }
  if (matches > 0) return;
  result.problems.set(pattern, { message: await whyNothing(pattern), pattern });
}

/** Explains a pattern without matches: a glob treats a folder that cannot be listed as empty. */
async function whyNothing(pattern: string): Promise<string> {
  const folder = folderOf(pattern);
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EACCES") return `its folder ${folder} ${explain(error)}`;
  }
  return "matches no file yet; check the pattern, or wait: it is checked again every few seconds";
}

/** The file at the path, which was found by the pattern; undefined if there is none. */
export async function lookAt(path: string, pattern: string): Promise<FoundFile | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? foundAs({ path, pattern }, stats) : undefined;
}

/** All files of a folder by their keys; undefined if it cannot be listed for the moment. */
export async function filesIn(folder: string): Promise<Map<string, FoundFile> | undefined> {
  const files = new Map<string, FoundFile>();
  const names = await readdir(folder).catch((error: unknown) =>
    lacksFiles(error) ? undefined : [],
  );
  if (!names) return undefined;
  for (const name of names) {
    const path = join(folder, name);
    const file = await lookAt(path, path);
    if (file) files.set(file.key, file);
  }
  return files;
}

const foundAs = (
  where: Pick<FoundFile, "path" | "pattern">,
  { dev, ino, size, mtimeMs }: Stats,
): FoundFile => ({
  ...where,
  key: `${dev}:${ino}`,
  size,
  mtimeMs,
});

async function look(
  path: string,
  pattern: string,
  result: ScanResult,
): Promise<FoundFile | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return foundAs({ path, pattern }, stats);
    const what = stats.isDirectory()
      ? `is a folder: give its files, for example ${path}/*.log`
      : "is not a file";
    result.problems.set(path, { message: what, pattern });
  } catch (error) {
    result.problems.set(path, { message: explain(error), pattern });
  }
  return undefined;
}

/** A file with two names is read under the first one found; plain paths are preferred over links. */
function keep(file: FoundFile, found: Map<string, FoundFile>): void {
  if (!found.has(file.key)) found.set(file.key, file);
}

function compare(a: FoundFile, b: FoundFile): number {
  return a.path < b.path ? -1 : 1;
}

/** The deepest folder of a path or pattern above the first pattern character. */
function folderOf(path: string): string {
  let folder = dirname(path);
  while (GLOB_CHARACTERS.test(basename(folder)) || GLOB_CHARACTERS.test(folder)) {
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  return folder;
}

/** Why a file cannot be read and what to do, as a message for people. */
export function explain(error: unknown): string {
  if (error instanceof RefusedFile) return error.message;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Record<string, string> = {
    ENOENT: "does not exist; it will be read as soon as it appears",
    ENOTDIR: "does not exist: a part of its path is a file, not a folder",
    EACCES:
      "is not readable by this user; grant read permission (chmod, setfacl, or the group adm); it will be retried",
    EPERM: "is not readable by this user; grant read permission; it will be retried",
    EMFILE:
      "cannot be opened: too many open files; raise the limit (ulimit -n); it will be retried",
    ENFILE:
      "cannot be opened: too many open files on this system; raise fs.file-max; it will be retried",
    ELOOP: "is a symbolic link that leads to itself; remove the link",
    EIO: "cannot be read: the disk reports an error; check the disk",
    ESTALE: "cannot be read: the network file system lost it; it will be retried",
  };
  return known[code] ?? `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
