import { formatsFileIn, mistakeText, readFormats } from "#collectors/user-formats/formats-file.ts";
import { registerFormats } from "#collectors/user-formats/registry.ts";
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
