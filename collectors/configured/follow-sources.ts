import { followFile } from "#platform/follow-file.ts";

import type { SourceStatus } from "../source.ts";
import {
  mistakeText,
  NO_SOURCES,
  readSources,
  type SourcesFile,
  sourcesFileIn,
} from "./sources-file.ts";

/** The sources file of a data folder, which may be changed while it is followed. */
export type FollowedSources = {
  path: string;
  /** The last valid content. */
  file(): SourcesFile;
  /** Why the present content is not used; empty if it is. */
  status(): SourceStatus[];
  /** Reads it at once if it has changed, instead of within a second. */
  refresh(): Promise<void>;
};

/**
 * Reads the file, and calls the listener with its content now and whenever it has changed, until the signal aborts. With
 * a mistake in it, the last valid content stays in use. Resolves when it was read for the first time.
 */
export async function followSourcesFile(
  dataFolder: string,
  onFile: (file: SourcesFile) => void,
  signal: AbortSignal,
): Promise<FollowedSources> {
  const path = sourcesFileIn(dataFolder);
  let file = NO_SOURCES;
  let problem: SourceStatus | undefined;
  let wasValid = false;

  async function check(): Promise<void> {
    const read = await readSources(dataFolder);
    if (read.ok) {
      problem = undefined;
      wasValid = true;
      file = read.file;
      onFile(file);
      return;
    }
    const mistakes = read.mistakes.map(mistakeText).join("; ");
    const effect = wasValid ? "its last valid content stays in use" : "its sources are not read";
    const message = `has mistakes, so that ${effect}: ${mistakes}`;
    problem = { path, level: "error", message };
  }

  const refresh = await followFile(path, check, signal);
  return { path, file: () => file, status: () => (problem ? [problem] : []), refresh };
}
