import { readFileSync } from "node:fs";
import path from "node:path";

/** The user of the database server, and how the server accesses its folders. */
export type Identity = {
  /** For `spawn`; empty if the server runs as the user of this process. */
  credentials: { uid?: number; gid?: number };
  /** Whether folders and files are passed as open descriptors instead of paths. */
  byDescriptor: boolean;
};

/**
 * PostgreSQL refuses to run as root, so as root the server runs as `nobody`. That user may not search folders such as
 * /root, so it gets its folder as an open descriptor, with the path /proc/self/fd/3. Undefined for root if the system
 * does not support that.
 */
export function serverIdentity(uid = process.getuid?.() ?? -1): Identity | undefined {
  if (uid !== 0) return { credentials: {}, byDescriptor: false };
  if (process.platform !== "linux") return undefined;
  return { credentials: nobody(readFileSync("/etc/passwd", "utf8")), byDescriptor: true };
}

/** The ids of `nobody` in /etc/passwd, otherwise the usual ones. */
export function nobody(passwd: string): { uid: number; gid: number } {
  const line = passwd.split("\n").find((entry) => entry.startsWith("nobody:"));
  const [, , uid = "", gid = ""] = line?.split(":") ?? [];
  return /^[1-9]\d*$/.test(uid) && /^[1-9]\d*$/.test(gid)
    ? { uid: Number(uid), gid: Number(gid) }
    : { uid: 65_534, gid: 65_534 };
}

/** The parent folders of a path, from the root down. */
export function parentsOf(folder: string): string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [] : [...parentsOf(parent), parent];
}
