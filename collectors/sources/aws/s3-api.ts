import type { Readable } from "node:stream";

import type { S3Client } from "@aws-sdk/client-s3";

import { AppError } from "#platform/errors.ts";

import { explainAws, isDenied, statusOf } from "./aws-errors.ts";
import { type ObjectRef, objectUrl, plainEtag } from "./object-ref.ts";

/** The content of an object from an offset on. */
export type ObjectBody = {
  etag: string;
  /** Bytes of the whole object. */
  size: number;
  metadata: Readonly<Record<string, string>>;
  body: Readable;
};

export type ListedObject = ObjectRef & { etag: string; size: number; modifiedMs: number };

/**
 * Why an object cannot be read, while others may be. `gone`: it does not exist any more. `denied`: access to it is denied.
 * `replaced`: it has another content than what was read of it before.
 */
type Unreadable = "gone" | "denied" | "replaced";

export class UnreadableObject extends AppError {
  readonly why: Unreadable;

  constructor(message: string, why: Unreadable) {
    super(why === "denied" ? "forbidden" : "not_found", message);
    this.why = why;
  }
}

/** What is read of S3. Nothing is written. */
export type S3Api = {
  /**
   * @param etag the object must still have this content
   * @throws UnreadableObject
   */
  get(
    ref: ObjectRef,
    from: { offset: number; etag?: string },
    signal: AbortSignal,
  ): Promise<ObjectBody>;
  /** Objects in the order of their keys, at most 1000; `after` is a key. */
  list(
    where: { bucket: string; prefix: string; after: string | undefined },
    signal: AbortSignal,
  ): Promise<{ objects: ListedObject[]; isLast: boolean }>;
  close(): void;
};

/** How a client of AWS connects. What is missing is found as the AWS SDK does: environment, shared files, role. */
export type AwsAccess = {
  region: string | undefined;
  /** The URL of another store than that of AWS. */
  endpoint: string | undefined;
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
};

export async function openS3Api({ region, endpoint, credentials }: AwsAccess): Promise<S3Api> {
  const { S3Client: Client } = await import("@aws-sdk/client-s3");
  const { AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: shared } = process.env;
  const other = endpoint ?? own ?? shared;
  return s3Api(
    new Client({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint, region: region ?? "us-east-1" }),
      ...(credentials && { credentials }),
      followRegionRedirects: true,
      // Bucket names are not part of the host name of other endpoints.
      forcePathStyle: other !== undefined,
    }),
  );
}

function s3Api(client: S3Client): S3Api {
  return {
    async get(ref, { offset, etag }, abortSignal) {
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const command = new GetObjectCommand({
        Bucket: ref.bucket,
        Key: ref.key,
        ...(etag !== undefined && { IfMatch: `"${etag}"` }),
        ...(offset > 0 && { Range: `bytes=${offset}-` }),
      });
      const answer = await client
        .send(command, { abortSignal })
        .catch((error: unknown) => Promise.reject(unreadable(error, ref)));
      return {
        etag: plainEtag(answer.ETag ?? ""),
        size: offset + (answer.ContentLength ?? 0),
        metadata: answer.Metadata ?? {},
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- in Node the body is a stream of Node
        body: answer.Body as Readable,
      };
    },
    async list({ bucket, prefix, after }, abortSignal) {
      const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(after !== undefined && { StartAfter: after }),
      });
      const answer = await client.send(command, { abortSignal }).catch((error: unknown) => {
        throw new AppError(
          "unavailable",
          `cannot be listed: ${explainAws(error, "s3:ListBucket")}`,
          {
            cause: error,
          },
        );
      });
      const objects = (answer.Contents ?? []).flatMap(({ Key, ETag, Size, LastModified }) =>
        Key === undefined || ETag === undefined
          ? []
          : [
              {
                bucket,
                key: Key,
                etag: plainEtag(ETag),
                size: Size ?? 0,
                modifiedMs: LastModified?.getTime() ?? Infinity,
              },
            ],
      );
      return { objects, isLast: answer.IsTruncated !== true };
    },
    close: () => client.destroy(),
  };
}

/** Without the right to list the bucket, S3 denies access to objects that do not exist. */
const READ_ACTIONS =
  "s3:GetObject (kms:Decrypt if it is encrypted with a key of yours, s3:ListBucket to tell deleted objects)";

function unreadable(error: unknown, ref: ObjectRef): unknown {
  const status = statusOf(error);
  const reason = explainAws(error, READ_ACTIONS);
  if (status === 404) return new UnreadableObject(`does not exist any more (${reason})`, "gone");
  if (status === 412) return new UnreadableObject("was replaced while it was read", "replaced");
  if (isDenied(error)) return new UnreadableObject(`may not be read: ${reason}`, "denied");
  return new AppError("unavailable", `${objectUrl(ref)} cannot be read: ${reason}`, {
    cause: error,
  });
}
