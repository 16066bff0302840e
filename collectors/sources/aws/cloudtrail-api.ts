import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";

import { AppError } from "#platform/errors.ts";

import { explainAws, isDenied } from "./aws-errors.ts";

type LookupPage = {
  /** Each as CloudTrail recorded it: one JSON object. The latest comes first. */
  records: string[];
  next: string | undefined;
};

export type CloudTrailApi = {
  /** The management events of these seconds, both inclusive; epoch ms. @throws AppError unavailable */
  lookup(
    range: { fromMs: number; toMs: number; next: string | undefined },
    signal: AbortSignal,
  ): Promise<LookupPage>;
  /** The public keys that signed digest files in this time, by fingerprint. @throws AppError unavailable, forbidden */
  publicKeys(range: { startMs: number; endMs: number }): Promise<Map<string, Uint8Array>>;
  close(): void;
};

/** Credentials and endpoints are found as the AWS SDK does. */
export async function openCloudTrailApi(region: string): Promise<CloudTrailApi> {
  const { CloudTrailClient: Client } = await import("@aws-sdk/client-cloudtrail");
  return cloudTrailApi(new Client({ region }));
}

export function cloudTrailApi(client: CloudTrailClient): CloudTrailApi {
  return {
    async lookup({ fromMs, toMs, next }, abortSignal) {
      const { LookupEventsCommand } = await import("@aws-sdk/client-cloudtrail");
      const command = new LookupEventsCommand({
        StartTime: new Date(fromMs),
        EndTime: new Date(toMs),
        ...(next !== undefined && { NextToken: next }),
      });
      const { Events, NextToken } = await client
        .send(command, { abortSignal })
        .catch(fail("events cannot be looked up", "cloudtrail:LookupEvents"));
      const records = (Events ?? []).flatMap(({ CloudTrailEvent }) => CloudTrailEvent ?? []);
      return { records, next: NextToken };
    },
    async publicKeys({ startMs, endMs }) {
      const { ListPublicKeysCommand } = await import("@aws-sdk/client-cloudtrail");
      const keys = new Map<string, Uint8Array>();
      for (let next: string | undefined; ;) {
        const command = new ListPublicKeysCommand({
          StartTime: new Date(startMs),
          EndTime: new Date(endMs),
          ...(next !== undefined && { NextToken: next }),
        });
        const { PublicKeyList, NextToken } = await client
          .send(command)
          .catch(
            fail("the public keys of digest files cannot be listed", "cloudtrail:ListPublicKeys"),
          );
        for (const { Fingerprint, Value } of PublicKeyList ?? []) {
          if (Fingerprint !== undefined && Value !== undefined) keys.set(Fingerprint, Value);
        }
        next = NextToken;
        if (next === undefined) return keys;
      }
    },
    close: () => client.destroy(),
  };
}

const fail = (what: string, action: string) => (error: unknown) => {
  const code = isDenied(error) ? "forbidden" : "unavailable";
  throw new AppError(code, `${what}: ${explainAws(error, action)}`, { cause: error });
};
