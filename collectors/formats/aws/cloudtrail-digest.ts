import { jsonText } from "#collectors/json-text.ts";

import { jsonTime } from "../json-time.ts";
import type { RowWriter } from "../text-line.ts";

const DIGEST = "aws.cloudtrail.digest";
const TIMES = {
  digestStartTime: "start_time",
  digestEndTime: "end_time",
  newestEventTime: "newest_event_time",
  oldestEventTime: "oldest_event_time",
};
const NAMES = {
  digestS3Bucket: "s3_bucket",
  digestSignatureAlgorithm: "signature_algorithm",
  logFiles: "log_files",
  previousDigestHashAlgorithm: "previous_hash_algorithm",
  previousDigestS3Bucket: "previous_s3_bucket",
  previousDigestSignature: "previous_signature",
};

/** Writes a digest file, which lists the log files of an hour with their hashes. Its time is the end of the hour. */
export function putDigest(
  fields: ReadonlyMap<string, unknown>,
  row: RowWriter,
): string | undefined {
  const { zone } = row.context;
  const endMs = jsonTime(fields.get("digestEndTime"), zone);
  const refused = row.time(endMs, jsonText(fields.get("digestEndTime")));
  if (refused !== undefined) return refused;
  const key = fields.get("digestS3Object");
  row.text("file.path", typeof key === "string" ? key : undefined);
  row.extra("cloud.account.id", fields.get("awsAccountId"));
  for (const [name, field] of Object.entries(TIMES)) {
    const ms = jsonTime(fields.get(name), zone);
    if (Math.abs(ms) <= 8.64e15) row.extra(`${DIGEST}.${field}`, new Date(ms).toISOString());
  }
  for (const [name, field] of Object.entries(NAMES))
    row.extra(`${DIGEST}.${field}`, fields.get(name));
  return undefined;
}
