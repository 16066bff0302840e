import {
  chosenIn,
  type ConfiguredSource,
  mistakeText as sourceMistakeText,
  readSources,
  sourcesFileIn,
} from "#collectors/configured/sources-file.ts";
import type { Format } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import { formatsFileIn, mistakeText, readFormats } from "#collectors/user-formats/formats-file.ts";
import { chooseFormats, registerFormats } from "#collectors/user-formats/registry.ts";
import { AppError } from "#platform/errors.ts";

/** Uses the formats of the data folder in this process. @throws AppError with the mistakes in its file */
export async function useFormatsOf(dataFolder: string): Promise<void> {
  const read = await readFormats(dataFolder);
  if (!read.ok) {
    const mistakes = read.mistakes.map((mistake) => `\n  ${mistakeText(mistake)}`).join("");
    throw new AppError("bad_request", `${formatsFileIn(dataFolder)} has mistakes:${mistakes}`);
  }
  registerFormats(read.formats);
}

/** The sources of the data folder, whose chosen formats are used in this process. @throws AppError with the mistakes in its file */
export async function useSourcesOf(dataFolder: string): Promise<{
  sources: readonly ConfiguredSource[];
  /** The format that is chosen for a source. */
  preferredOf(source: string): Format | undefined;
}> {
  const read = await readSources(dataFolder);
  if (!read.ok) {
    const mistakes = read.mistakes.map((mistake) => `\n  ${sourceMistakeText(mistake)}`).join("");
    throw new AppError("bad_request", `${sourcesFileIn(dataFolder)} has mistakes:${mistakes}`);
  }
  const chosen = chosenIn(read.file);
  chooseFormats(chosen);
  return {
    sources: read.file.sources,
    preferredOf(source) {
      const name = chosen.get(source);
      return name === undefined ? undefined : findFormat(name);
    },
  };
}
