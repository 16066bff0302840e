import { readFile, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";

import { z } from "zod";

import { AppError, errorCode } from "#platform/errors.ts";

const PATH_CHARACTERS_MAX = 4_096;
const SECRET_CHARACTERS_MAX = 1_000;
/** Container runtimes put secrets here, readable by all users of the container. */
const MOUNTED = "/run/secrets/";
const OTHERS_READ = 0o004;

/** When a form shows the property. Default: always. */
export type FieldAbout = { when: { field: string; values: readonly string[] } };

/**
 * A property that names a file with a secret. A form asks for the secret itself, which is titled `title`, and writes the
 * file.
 */
export const secretFile = (title: string, about?: FieldAbout) =>
  z
    .string()
    .max(PATH_CHARACTERS_MAX)
    .refine((path) => isAbsolute(path), { error: "give an absolute path" })
    .optional()
    .meta({
      title: `File with the ${title.toLowerCase()}`,
      description:
        "A file with nothing else, which only the user of Quarterdeck may read (chmod 600).",
      examples: ["/etc/quarterdeck/secret"],
      secretFile: title,
      ...about,
    });

/** The secret in the file. @throws AppError that names the file and what to do */
export async function readSecretFile(file: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS_READ) !== 0 && !file.startsWith(MOUNTED)) {
      throw new AppError("unavailable", `every user of the machine may read ${file}: chmod 600 it`);
    }
    return (await readFile(file, "utf8")).trim().slice(0, SECRET_CHARACTERS_MAX);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = errorCode(error) ?? String(error);
    const message = `the secret cannot be read from ${file} (${code}): check the path, and that the user of Quarterdeck may read it`;
    throw new AppError("unavailable", message, { cause: error });
  }
}
