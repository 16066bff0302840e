import { createPublicKey, hash, verify } from "node:crypto";

import { z } from "zod";

/** Why a digest file, or a log file that it names, is invalid. */
export type DigestFault =
  | "digest_unreadable"
  | "digest_location"
  | "digest_key"
  | "digest_signature"
  | "digest_missing"
  | "digest_hash"
  | "log_missing"
  | "log_hash";

const LogFile = z.object({
  s3Bucket: z.string(),
  s3Object: z.string(),
  hashValue: z.string(),
  hashAlgorithm: z.literal("SHA-256"),
});

/** A digest file of CloudTrail: the hashes of the log files of an hour, and of the digest file before. */
const Digest = z.object({
  awsAccountId: z.string(),
  digestStartTime: z.string(),
  digestEndTime: z.string(),
  digestS3Bucket: z.string(),
  digestS3Object: z.string(),
  digestPublicKeyFingerprint: z.string(),
  digestSignatureAlgorithm: z.literal("SHA256withRSA"),
  previousDigestS3Bucket: z.string().nullish(),
  previousDigestS3Object: z.string().nullish(),
  previousDigestHashValue: z.string().nullish(),
  previousDigestSignature: z.string().nullish(),
  logFiles: z.array(LogFile).max(100_000),
});
export type Digest = z.infer<typeof Digest>;

/** A digest file as it is stored: its content without compression, and the signature in its metadata. */
export type DigestFile = {
  bucket: string;
  key: string;
  content: Buffer;
  signature: string | undefined;
};

/** The digest in the file; undefined if it is none. */
export function parseDigest(content: Buffer): Digest | undefined {
  try {
    return Digest.parse(JSON.parse(content.toString()));
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with the digest file itself; undefined if it is as CloudTrail wrote it.
 * @param publicKey RSA, PKCS #1 in DER: the one of the digest's fingerprint
 */
export function digestFault(
  digest: Digest,
  { bucket, key, content, signature }: DigestFile,
  publicKey: Uint8Array,
): DigestFault | undefined {
  if (digest.digestS3Bucket !== bucket || digest.digestS3Object !== key) return "digest_location";
  const account = accountOfDigest(key);
  if (account !== undefined && account !== digest.awsAccountId) return "digest_location";
  const signed = [
    digest.digestEndTime,
    `${bucket}/${key}`,
    hash("sha256", content, "hex"),
    digest.previousDigestSignature ?? "null",
  ].join("\n");
  return isSigned(signed, signature, publicKey) ? undefined : "digest_signature";
}

function isSigned(text: string, signature: string | undefined, publicKey: Uint8Array): boolean {
  if (signature === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "pkcs1" });
    return verify("RSA-SHA256", Buffer.from(text), key, Buffer.from(signature, "hex"));
  } catch {
    return false;
  }
}

/** The digest file before this one; undefined for the first one of a trail. */
export function previousOf({
  previousDigestS3Bucket: bucket,
  previousDigestS3Object: key,
  previousDigestHashValue: hashValue,
}: Digest): { bucket: string; key: string; hashValue: string } | undefined {
  if (typeof bucket !== "string" || typeof key !== "string") return undefined;
  return { bucket, key, hashValue: hashValue ?? "" };
}

/** The account in `AWSLogs/111122223333/CloudTrail-Digest/…`, or `AWSLogs/o-exampleorgid/111122223333/…`. */
const accountOfDigest = (key: string): string | undefined =>
  /(?:^|\/)AWSLogs\/(?:o-[a-z0-9]{1,40}\/)?(\d{1,20})\/CloudTrail-Digest\//.exec(key)?.[1];

/** The region in `AWSLogs/…/CloudTrail-Digest/eu-west-1/2026/…`. */
export const regionOfDigest = (key: string): string | undefined =>
  /\/CloudTrail-Digest\/([a-z0-9-]+)\//.exec(key)?.[1];
