import { z } from "zod";

import { sourceKind } from "../configured/source-kind.ts";
import { CloudTrailKeys } from "./aws/digest-keys.ts";
import { openQueueApi, regionOf } from "./aws/queue-api.ts";
import { type AwsAccess, openS3Api } from "./aws/s3-api.ts";
import { type S3Place, S3Source } from "./aws/s3-source.ts";
import { refuseMetadata } from "./reachable.ts";
import { secretFile } from "./secret-file.ts";
import { readSecret, secretVariable } from "./secret-variable.ts";

const KEY_CHARACTERS_MAX = 1_024;
const INTERVAL_SECONDS = { min: 10, max: 86_400 };
const VISIBILITY_SECONDS = { min: 3, max: 43_200 };

const schema = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/, {
        error: "give the name of a bucket, for example my-logs",
      })
      .optional()
      .meta({
        title: "Bucket",
        description:
          "Its objects are listed: once if there is a queue, otherwise again and again. Requires s3:ListBucket and s3:GetObject.",
        examples: ["my-logs"],
      }),
    prefix: z
      .string()
      .max(KEY_CHARACTERS_MAX)
      .default("")
      .meta({
        title: "Prefix",
        description: "Only objects whose key begins with it are read.",
        examples: ["AWSLogs/"],
      }),
    queue: z
      .url({ protocol: /^https?$/, error: "give the URL of a queue of SQS" })
      .optional()
      .meta({
        title: "URL of the queue",
        description:
          "A queue of SQS to which S3, SNS, EventBridge or CloudTrail announces new objects, or to which logs of CloudWatch are sent. Requires sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage. Messages are deleted when their objects are stored, so no other program may use the queue.",
        examples: ["https://sqs.eu-central-1.amazonaws.com/123456789012/logs"],
      }),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,30}$/, { error: "give a region, for example eu-central-1" })
      .optional()
      .meta({
        title: "Region",
        description: "Default: that of the queue's URL, otherwise that of the environment.",
        examples: ["eu-central-1"],
      }),
    endpoint: z
      .url({
        protocol: /^https?$/,
        error: "give the URL of the store, for example https://minio.example:9000",
      })
      .optional()
      .meta({
        title: "Endpoint",
        description:
          "Of another store with the protocol of S3, such as MinIO or Ceph. Default: AWS.",
        examples: ["https://minio.example:9000"],
      }),
    accessKeyId: z
      .string()
      .regex(/^[\w.+/=@-]{1,128}$/, { error: "give the id of an access key" })
      .optional()
      .meta({
        title: "Access key",
        description:
          "Default: the credentials of the machine, where the tools of AWS find them (environment, ~/.aws, role).",
        examples: ["AKIAIOSFODNN7EXAMPLE"],
      }),
    secretKeyFile: secretFile("Secret key"),
    secretKey: secretVariable("Secret key", "secretKeyFile"),
    from: z.iso
      .date({ error: "give a date, for example 2026-01-31" })
      .optional()
      .meta({
        title: "Objects since",
        description:
          "Objects of the bucket that were last modified before this date (UTC) are not read.",
        examples: ["2026-01-31"],
      }),
    verifyDigests: z.boolean().default(false).meta({
      title: "Check the digest files of CloudTrail",
      description:
        "Each log file is read once more when its digest file is there, and the verdict is an event of aws.cloudtrail_digest. Requires cloudtrail:ListPublicKeys.",
    }),
    visibilityTimeout: z
      .number()
      .int()
      .min(VISIBILITY_SECONDS.min)
      .max(VISIBILITY_SECONDS.max)
      .default(120)
      .meta({
        title: "Visibility timeout in seconds",
        description:
          "Messages are hidden for so long at a time. After a crash, those that were in work come again so much later.",
      }),
    interval: z.number().min(INTERVAL_SECONDS.min).max(INTERVAL_SECONDS.max).default(60).meta({
      title: "Seconds between two listings",
      description: "Without a queue. AWS charges for each 1000 objects of a listing.",
    }),
  })
  .refine(({ bucket, queue }) => bucket !== undefined || queue !== undefined, {
    error: "give a bucket, a queue or both",
    path: ["bucket"],
  })
  .refine((it) => it.secretKeyFile === undefined || it.secretKey === undefined, {
    error: "give the secret key once: in secretKeyFile or in secretKey",
    path: ["secretKey"],
  })
  .refine(
    (it) => (it.accessKeyId === undefined) === ((it.secretKeyFile ?? it.secretKey) === undefined),
    {
      error: "give both the access key and its secret key, or neither",
      path: ["secretKeyFile"],
    },
  );

/** Objects of S3, as CloudTrail, load balancers, CloudFront and others write their logs. */
export const s3Kind = sourceKind({
  kind: "s3",
  title: "S3 bucket",
  summary: "Objects of a bucket of Amazon S3, by listing it or by the notifications in a queue",
  hasLines: true,
  schema,
  async open({ bucket, queue, prefix, from, verifyDigests, ...about }, { clock }) {
    const access = await accessOf({ queue, ...about });
    const s3 = await openS3Api(access);
    return new S3Source(
      {
        place: placeOf(bucket, queue),
        endpoint: about.endpoint,
        prefix,
        fromMs: from === undefined ? 0 : Date.parse(from),
        listEveryMs: about.interval * 1_000,
        visibilitySeconds: about.visibilityTimeout,
        clock,
      },
      {
        s3,
        queue:
          queue === undefined
            ? undefined
            : await openQueueApi(queue, { ...access, region: about.region }),
        ...(verifyDigests && { digestKeys: new CloudTrailKeys() }),
      },
    );
  },
});

async function accessOf({
  queue,
  region,
  endpoint,
  accessKeyId,
  secretKeyFile: file,
  secretKey: variable,
}: Pick<
  z.infer<typeof schema>,
  "queue" | "region" | "endpoint" | "accessKeyId" | "secretKeyFile" | "secretKey"
>): Promise<AwsAccess> {
  for (const url of [endpoint, queue]) {
    if (url !== undefined) await refuseMetadata(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
  }
  const key = await readSecret("secretKey", { file, variable });
  return {
    region: region ?? (queue === undefined ? undefined : regionOf(queue)),
    endpoint,
    credentials:
      accessKeyId === undefined || key === undefined
        ? undefined
        : { accessKeyId, secretAccessKey: key },
  };
}

function placeOf(bucket: string | undefined, queue: string | undefined): S3Place {
  if (bucket !== undefined) return { bucket, queue };
  if (queue !== undefined) return { bucket, queue };
  throw new Error("a source of S3 has a bucket or a queue");
}
