import { followFile } from "#platform/follow-file.ts";

import type { SourceStatus } from "../source.ts";
import { formatsFileIn, mistakeText, readFormats } from "./formats-file.ts";
import { registerFormats } from "./registry.ts";

/**
 * Uses the formats of the file in this process, now and after each change, until the signal aborts. With a mistake in it,
 * its last valid content stays in use. Returns the status of the file: empty if it has no mistake.
 */
export async function followFormats(
  dataFolder: string,
  signal: AbortSignal,
): Promise<() => SourceStatus[]> {
  const path = formatsFileIn(dataFolder);
  let problem: SourceStatus | undefined;
  await followFile(
    path,
    async () => {
      const read = await readFormats(dataFolder);
      problem = undefined;
      if (read.ok) registerFormats(read.formats);
      else {
        const mistakes = read.mistakes.map(mistakeText).join("; ");
        const message = `has mistakes, so that its last valid content stays in use: ${mistakes}`;
        problem = { path, level: "error", message };
      }
    },
    signal,
  );
  return () => (problem ? [problem] : []);
}
