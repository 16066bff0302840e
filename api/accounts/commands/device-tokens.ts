import { newId } from "#platform/ids.ts";

import type { SealedTokens } from "../domain/sealed-token.ts";
import type { SignInMethod } from "../domain/sign-in-method.ts";

const DEVICE = "qdd";

/**
 * A token that identifies a device for one account, and how the device became known. All devices that became known by
 * mail count as one, because otherwise each mail would allow new attempts at the second factor.
 */
export function deviceTokenOf(
  tokens: SealedTokens,
  accountId: string,
  knownBy: SignInMethod | "mail",
): string {
  const id = knownBy === "mail" ? "mail" : newId(knownBy === "password" ? "pwd" : "dev");
  return tokens.seal(DEVICE, `${accountId} ${id}`);
}

/** The device id of a token for this account. */
export function deviceOf(
  tokens: SealedTokens,
  account: { id: string } | undefined,
  deviceToken: string | undefined,
): string | undefined {
  if (deviceToken === undefined || account === undefined) return undefined;
  const [accountId, deviceId] = tokens.open(DEVICE, deviceToken)?.split(" ") ?? [];
  return accountId === account.id ? deviceId : undefined;
}

/** The device for throttling codes; one that became known by the password alone may belong to an attacker. */
export const codeDeviceOf = (deviceId: string | undefined): string | undefined =>
  deviceId?.startsWith("pwd_") === true ? undefined : deviceId;
