import { PutObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";

import { AppError } from "#platform/errors.ts";

import type { PutObject } from "../repositories/redshift-warehouse.ts";

const WAIT_MS_MAX = 60_000;

/** Puts objects below `s3://bucket/prefix`. Uploading a key again overwrites it with the same bytes. */
export function s3Put(client: S3Client, address: string): PutObject {
  const target = new URL(address);
  const bucket = target.hostname;
  const prefix = decodeURIComponent(target.pathname).replaceAll(/^\/|\/$/g, "");
  return async (name, bytes) => {
    const key = prefix === "" ? name : `${prefix}/${name}`;
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes });
    try {
      await client.send(command, { abortSignal: AbortSignal.timeout(WAIT_MS_MAX) });
    } catch (error) {
      const message =
        error instanceof S3ServiceException
          ? `s3://${bucket}/${key} cannot be written: ${error.name}`
          : `s3://${bucket} does not answer.`;
      throw new AppError("unavailable", message, { cause: error });
    }
    return `s3://${bucket}/${key}`;
  };
}
