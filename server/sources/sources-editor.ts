import { readFile } from "node:fs/promises";

import { editedSources, type SourcesEdit } from "#collectors/configured/edit-sources.ts";
import { sourcesFileIn } from "#collectors/configured/sources-file.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

/** Changes the sources file of a data folder, one change after the other. */
export type SourcesEditor = {
  /** @throws AppError as `editedSources`, and unavailable if the file cannot be written */
  apply(change: SourcesEdit): Promise<void>;
};

export function openSourcesEditor(dataFolder: string): SourcesEditor {
  const file = sourcesFileIn(dataFolder);
  let last: Promise<void> = Promise.resolve();

  async function change(edit: SourcesEdit): Promise<void> {
    const before = await readFile(file, "utf8").catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return "";
      throw notChanged(file, error);
    });
    const after = editedSources(before, edit);
    try {
      replaceFile(file, after);
    } catch (error) {
      throw notChanged(file, error);
    }
  }

  return {
    apply(edit) {
      const changing = last.then(() => change(edit));
      last = changing.catch(() => undefined);
      return changing;
    },
  };
}

const notChanged = (file: string, error: unknown): AppError =>
  new AppError(
    "unavailable",
    `${file} cannot be changed (${errorCode(error) ?? String(error)}): free disk space, or grant write access to the user of Quarterdeck`,
    { cause: error },
  );
