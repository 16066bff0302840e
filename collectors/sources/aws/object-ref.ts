import { hash } from "node:crypto";

/** An object of S3, as a notification or a listing names it. */
export type ObjectRef = {
  bucket: string;
  key: string;
  /** Of its content, without quotes; undefined if it is not known yet. */
  etag: string | undefined;
  /** Bytes, as far as it is known. */
  size: number | undefined;
};

/** 72 bits in base64url, so that no two of billions of objects are likely to have the same. */
export const OBJECT_ID_LENGTH = 12;
const ID_BYTES = 9;

/** Identifies a content of a key: an object that is written again with other content is another one. */
export function objectIdOf({ bucket, key }: ObjectRef, etag: string): string {
  const digest = hash("sha256", JSON.stringify([bucket, key, etag]), "buffer");
  return digest.subarray(0, ID_BYTES).toString("base64url");
}

/** Identifies a content of this kind that is no object, among the ids of objects: no bucket has the name "". */
export const contentIdOf = (kind: string, content: string | Buffer): string =>
  objectIdOf(
    { bucket: "", key: kind, etag: undefined, size: undefined },
    hash("sha256", content, "hex"),
  );

export const objectUrl = ({ bucket, key }: Pick<ObjectRef, "bucket" | "key">): string =>
  `s3://${bucket}/${key}`;

/** S3 sends ETags in quotes, notifications without. */
export const plainEtag = (etag: string): string => etag.replaceAll('"', "");
