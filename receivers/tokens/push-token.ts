import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { StoredToken, TokenName } from "#platform/tokens/token-file.ts";

/** What a token may be limited to: 1 to 50 names of datasets, in which `*` stands for any characters. */
const DATASET_PATTERN = /^[a-z0-9_.*]{1,100}$/;
const RATE_MAX = 10_000_000;

/** What the creator of a token decides. */
export const TokenRequest = z.strictObject({
  name: TokenName,
  datasets: z
    .array(
      z.string().regex(DATASET_PATTERN, {
        error: "give names of datasets such as shop.orders, or patterns such as nginx.*",
      }),
    )
    .min(1)
    .max(50)
    .default(["*"])
    .meta({ description: "The datasets that it may write; * stands for any characters" }),
  eventsPerSecond: z
    .int()
    .min(1)
    .max(RATE_MAX)
    .nullable()
    .default(null)
    .meta({ description: "More events are refused with 429; null: no limit" }),
});
export type TokenRequest = z.output<typeof TokenRequest>;

/** A token as it is stored: without the secret, of which there is only a hash. */
export const PushToken = StoredToken.extend({
  datasets: z.array(z.string()),
  eventsPerSecond: z.int().nullable(),
});
export type PushToken = z.output<typeof PushToken>;

/** Of secrets. */
export const PREFIX = "qd_";

const CREDENTIALS_LENGTH_MAX = 2_000;

/**
 * The secret in an Authorization header, in the schemes of the shippers: `Bearer SECRET`, `Splunk SECRET`, `Basic` with the
 * secret as password, and `ApiKey` with the secret, alone or as base64 of `ID:SECRET`.
 * @throws AppError unauthenticated
 */
export function secretIn(authorization: string | undefined): string {
  const [scheme = "", credentials = ""] = (authorization ?? "").split(" ", 2);
  if (credentials === "" || credentials.length > CREDENTIALS_LENGTH_MAX) throw noToken();
  switch (scheme.toLowerCase()) {
    case "bearer":
    case "splunk":
    case "token":
      return credentials;
    case "basic":
    case "apikey":
      return credentials.startsWith(PREFIX) ? credentials : afterColon(credentials);
    default:
      throw noToken();
  }
}

function afterColon(base64: string): string {
  const text = Buffer.from(base64, "base64").toString("latin1");
  return text.slice(text.indexOf(":") + 1);
}

const noToken = (): AppError =>
  new AppError(
    "unauthenticated",
    "Send a token: Authorization: Bearer qd_… (or as the password of Basic, as an ApiKey, or with the scheme Splunk). `quarterdeck token add NAME` makes one.",
  );
