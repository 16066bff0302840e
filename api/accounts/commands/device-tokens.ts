import { newId } from "#platform/ids.ts";

import type { SealedTokens } from "../domain/sealed-token.ts";
import type { SignInMethod } from "../domain/sign-in-method.ts";

const DEVICE = "qdd";

/**
 * A token by which a device is known again, for this account alone, and by what. All devices that are known by a mail
 * alone count as one (`mail`): else each mail brought whoever reads it new tries at the second factor.
 */
export function deviceTokenOf(
  tokens: SealedTokens,
  accountId: string,
  knownBy: SignInMethod | "mail",
): string {
  const id = knownBy === "mail" ? "mail" : newId(knownBy === "password" ? "pwd" : "dev");
  return tokens.seal(DEVICE, `${accountId} ${id}`);
}

/** The device that a token was given to, if it was for this account. */
export function deviceOf(
  tokens: SealedTokens,
  account: { id: string } | undefined,
  deviceToken: string | undefined,
): string | undefined {
  if (deviceToken === undefined || account === undefined) return undefined;
  const [accountId, deviceId] = tokens.open(DEVICE, deviceToken)?.split(" ") ?? [];
  return accountId === account.id ? deviceId : undefined;
}

/** The device as far as it counts for codes: one that a password alone has made known may be of whoever has guessed it. */
export const codeDeviceOf = (deviceId: string | undefined): string | undefined =>
  deviceId?.startsWith("pwd_") === true ? undefined : deviceId;
