import { accessSync, constants } from "node:fs";
import path from "node:path";

/** Where distributions install servers; often missing in a normal user's PATH. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];

/** The path of a program of this machine; undefined if it is not installed. */
export const findProgram = (name: string): string | undefined =>
  inFolders(name, [...searchPath(), ...SYSTEM_FOLDERS]);

/** Whether processes find it by its name alone. */
export const isInPath = (name: string): boolean => inFolders(name, searchPath()) !== undefined;

const searchPath = (): string[] =>
  (process.env["PATH"] ?? "").split(path.delimiter).filter((it) => it !== "");

const inFolders = (name: string, folders: readonly string[]): string | undefined =>
  folders.map((folder) => path.join(folder, name)).find(isExecutable);

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
