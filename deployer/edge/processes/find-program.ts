import { accessSync, constants } from "node:fs";
import path from "node:path";

/** Where distributions install servers; often missing in a normal user's PATH. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];

/** The path of a program of this machine; undefined if it is not installed. */
export function findProgram(
  name: string,
  searchPath = process.env["PATH"] ?? "",
): string | undefined {
  const folders = [...searchPath.split(path.delimiter).filter(Boolean), ...SYSTEM_FOLDERS];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
