import { gunzipSync } from "node:zlib";

import { z } from "zod";

import { type ObjectRef, plainEtag } from "./object-ref.ts";

/** Of logs in a message when they are unpacked. SQS takes messages of 1 MiB. */
const LOGS_BYTES_MAX = 64 * 1024 * 1024;
const GZIP_IN_BASE64 = /^H4s[A-Za-z0-9+/]+={0,2}$/;

/** What a message of a queue announces, or the logs that it has. */
export type Message =
  | { is: "objects"; objects: ObjectRef[] }
  /** What a subscription of CloudWatch Logs sends. */
  | { is: "logs"; lines: Buffer }
  /** A notification without objects to read: a test message, a deletion. */
  | { is: "other" }
  | { is: "refused"; reason: string };

const Bucket = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/);
/** S3 limits keys to 1024 bytes; encoded, each of them may have three characters. */
const Key = z
  .string()
  .min(1)
  .max(3 * 1024);
const Size = z.number().int().nonnegative().optional();

/** S3 → SQS, and S3 → SNS with raw delivery. Keys are encoded as in forms. */
const S3Records = z.object({
  Records: z.array(
    z.object({
      eventSource: z.literal("aws:s3"),
      eventName: z.string(),
      s3: z.object({
        bucket: z.object({ name: Bucket }),
        object: z.object({ key: Key, size: Size, eTag: z.string().optional() }),
      }),
    }),
  ),
});
/** S3 → EventBridge. Keys are as they are. */
const EventBridge = z.object({
  source: z.literal("aws.s3"),
  "detail-type": z.string(),
  detail: z.object({
    bucket: z.object({ name: Bucket }),
    object: z.object({ key: Key, size: Size, etag: z.string().optional() }),
  }),
});
/** What CloudTrail publishes when it has delivered log files. */
const CloudTrailDelivery = z.object({ s3Bucket: Bucket, s3ObjectKey: z.array(Key) });
const TestEvent = z.object({ Event: z.literal("s3:TestEvent") });
const SnsEnvelope = z.object({ Type: z.literal("Notification"), Message: z.string() });

const UNKNOWN =
  "it is no notification of S3 objects, and no logs of CloudWatch: let S3, SNS, EventBridge or CloudTrail send only these to the queue";

/** How a subscription of CloudWatch Logs calls a function, which may pass it on: gzip in base64. */
const Awslogs = z.object({ awslogs: z.object({ data: z.string() }) });
const KinesisRecord = z.object({ kinesis: z.object({ data: z.string() }) });
const Subscription = z.object({
  messageType: z.enum(["DATA_MESSAGE", "CONTROL_MESSAGE"]),
  logGroup: z.string(),
  logEvents: z.array(z.unknown()),
});

/**
 * Reads the body of a message of SQS: a notification of S3, EventBridge or CloudTrail, also within one of SNS; or what a
 * subscription of CloudWatch Logs sends, as JSON, or as gzip in base64.
 */
export function parseMessage(body: string): Message {
  const value = parseJson(body);
  const envelope = SnsEnvelope.safeParse(value);
  const text = envelope.success ? envelope.data.Message : body;
  const inner = envelope.success ? parseJson(text) : value;
  return logsIn(text, inner) ?? notificationIn(inner);
}

function logsIn(text: string, value: unknown): Message | undefined {
  if (Subscription.safeParse(value).success) return logs(JSON.stringify(value));
  const data =
    Awslogs.safeParse(value).data?.awslogs.data ??
    KinesisRecord.safeParse(value).data?.kinesis.data ??
    (GZIP_IN_BASE64.test(text) ? text : undefined);
  if (data === undefined) return undefined;
  try {
    const unpacked = gunzipSync(Buffer.from(data, "base64"), { maxOutputLength: LOGS_BYTES_MAX });
    const found = parseJson(unpacked.toString());
    if (Subscription.safeParse(found).success) return logs(JSON.stringify(found));
  } catch {
    return { is: "refused", reason: `its data is not gzip of at most ${LOGS_BYTES_MAX} bytes` };
  }
  return { is: "refused", reason: "its data is not of a subscription of CloudWatch Logs" };
}

/** On one line, as the reader of records expects. */
const logs = (json: string): Message => ({ is: "logs", lines: Buffer.from(`${json}\n`) });

function notificationIn(value: unknown): Message {
  const records = S3Records.safeParse(value);
  if (records.success) return objectsIn(records.data);
  const event = EventBridge.safeParse(value);
  if (event.success) {
    if (event.data["detail-type"] !== "Object Created") return { is: "other" };
    const { bucket, object } = event.data.detail;
    return { is: "objects", objects: [refOf(bucket.name, object.key, object)] };
  }
  const delivery = CloudTrailDelivery.safeParse(value);
  if (delivery.success) {
    const { s3Bucket, s3ObjectKey } = delivery.data;
    return { is: "objects", objects: s3ObjectKey.map((key) => refOf(s3Bucket, key, {})) };
  }
  if (TestEvent.safeParse(value).success) return { is: "other" };
  return { is: "refused", reason: UNKNOWN };
}

function objectsIn({ Records }: z.infer<typeof S3Records>): Message {
  const objects: ObjectRef[] = [];
  for (const { eventName, s3 } of Records) {
    if (!/^(?:s3:)?ObjectCreated:/.test(eventName)) continue;
    const key = decodeKey(s3.object.key);
    if (key === undefined) {
      return { is: "refused", reason: `the key ${s3.object.key} is not encoded as S3 does` };
    }
    objects.push(refOf(s3.bucket.name, key, { size: s3.object.size, etag: s3.object.eTag }));
  }
  return objects.length === 0 ? { is: "other" } : { is: "objects", objects };
}

const refOf = (
  bucket: string,
  key: string,
  { size, etag }: { size?: number | undefined; etag?: string | undefined },
): ObjectRef => ({
  bucket,
  key,
  size,
  etag: etag === undefined || etag === "" ? undefined : plainEtag(etag),
});

function decodeKey(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
