import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

/** What a start without arguments goes by: the files of the last start, and whether the demo was turned off. */
const StartSettings = z.object({
  paths: z.array(z.string()).default([]),
  demo: z.enum(["undecided", "on", "off"]).default("undecided"),
});
export type StartSettings = z.infer<typeof StartSettings>;

const fileIn = (root: string): string => path.join(root, "start.json");

export function readSettings(root: string): StartSettings {
  try {
    return StartSettings.parse(JSON.parse(readFileSync(fileIn(root), "utf8")));
  } catch {
    return StartSettings.parse({}); // The first start, or a file that somebody broke: begin anew.
  }
}

export function saveSettings(root: string, settings: StartSettings): void {
  const temporary = `${fileIn(root)}.new`;
  writeFileSync(temporary, `${JSON.stringify(settings, null, 2)}\n`);
  renameSync(temporary, fileIn(root));
}
