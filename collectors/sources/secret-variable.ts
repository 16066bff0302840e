import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { type FieldAbout, readSecretFile } from "./secret-file.ts";

const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]{0,254})\}$/;
/** Settings of Quarterdeck, some of which are secrets that whoever manages sources may not send to a server of theirs. */
const OWN_PREFIX = "QUARTERDECK_";

/** A reference to the environment variable that has a secret, such as `${SHOP_DB_PASSWORD}`. */
const isReference = (text: string): boolean =>
  REFERENCE.test(text) && !variableIn(text).toUpperCase().startsWith(OWN_PREFIX);

const variableIn = (reference: string): string => REFERENCE.exec(reference)?.[1] ?? "";

/** A property that refers to the environment variable with a secret; `fileProperty` names a file with it instead. */
export const secretVariable = (title: string, fileProperty: string, about?: FieldAbout) =>
  z
    .string()
    .refine(isReference, {
      error: `refer to an environment variable, such as \${MY_SECRET}, whose name does not begin with ${OWN_PREFIX}, or name a file in ${fileProperty}: secrets are not written into this file`,
    })
    .optional()
    .meta({
      title: `Environment variable with the ${title.toLowerCase()}`,
      description: `Instead of a file: a variable of the processes of Quarterdeck, whose name does not begin with ${OWN_PREFIX}.`,
      examples: ["${MY_SECRET}"],
      ...about,
    });

/** The reference that a URL has as its password; undefined if it has another one, or none. */
export function referenceIn({ password }: URL): string | undefined {
  const text = decoded(password);
  return isReference(text) ? text : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where a secret is: at most one is given. */
type SecretPlace = { file: string | undefined; variable: string | undefined };

/**
 * The secret of the property `field`; undefined if none is given.
 * @throws AppError that names the field, or the file, and what to do, and never the secret
 */
export async function readSecret(
  field: string,
  { file, variable }: SecretPlace,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  if (file !== undefined) return readSecretFile(file);
  if (variable === undefined) return undefined;
  const name = variableIn(variable);
  const secret = environment[name] ?? "";
  if (secret !== "") return secret;
  const message = `${field}: the environment variable ${name} is not set: set it where Quarterdeck is started, and start it again`;
  throw new AppError("unavailable", message);
}
