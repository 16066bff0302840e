import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

/** Used by the next start without arguments. */
const LastStart = z.object({
  /** The log files of the last start that named any. */
  paths: z.array(z.string()).default([]),
  demo: z.enum(["undecided", "on", "off"]).default("undecided"),
});
type LastStart = z.infer<typeof LastStart>;

const fileIn = (root: string): string => path.join(root, "start.json");

export function readLastStart(root: string): LastStart {
  try {
    return LastStart.parse(JSON.parse(readFileSync(fileIn(root), "utf8")));
  } catch {
    return LastStart.parse({}); // The first start, or a damaged file.
  }
}

export function saveLastStart(root: string, start: LastStart): void {
  const temporary = `${fileIn(root)}.new`;
  writeFileSync(temporary, `${JSON.stringify(start, null, 2)}\n`);
  renameSync(temporary, fileIn(root));
}
