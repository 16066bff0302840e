import { z } from "zod";

import { AppError } from "../errors.ts";
import { PASSWORD_CHARS, TOO_SHORT, passwordError } from "./password-rule.ts";

/** A password that someone chooses; `checkNewPassword` refuses weak ones. */
export const NewPassword = z
  .string()
  .min(PASSWORD_CHARS.min, { error: TOO_SHORT })
  .max(PASSWORD_CHARS.max, { error: `use at most ${PASSWORD_CHARS.max} characters` })
  .meta({ example: "a long line of words" });

/** @throws AppError bad_request for a weak password */
export async function checkNewPassword(
  password: string,
  of: { email: string; name: string },
): Promise<void> {
  const message = passwordError(password, { ...of, common: await commonPasswords() });
  if (message === undefined) return;
  throw new AppError("bad_request", `password: ${message}`, {
    fields: [{ path: "body.password", code: "weak_password", message }],
  });
}

let loaded: Promise<ReadonlySet<string>> | undefined;

/** Loaded with the first new password, as most processes never check one. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  loaded ??= import("@zxcvbn-ts/language-common").then(
    ({ dictionary }) => new Set(dictionary["passwords-common"]),
  );
  return loaded;
}
