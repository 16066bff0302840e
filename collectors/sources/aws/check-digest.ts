import { createHash } from "node:crypto";

import { AppError } from "#platform/errors.ts";

import { RefusedFile } from "../files/file-kind.ts";
import {
  type Digest,
  type DigestFault,
  digestFault,
  parseDigest,
  previousOf,
  regionOfDigest,
} from "./digest.ts";
import { ObjectBytes } from "./object-bytes.ts";
import { objectContent } from "./object-content.ts";
import type { ObjectRef } from "./object-ref.ts";
import { type S3Api, UnreadableObject } from "./s3-api.ts";

const DIGEST_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a file of a trail is as CloudTrail wrote it. */
export type DigestVerdict = {
  file: "digest" | "log";
  bucket: string;
  key: string;
  /** `unknown`: it could not be checked. */
  outcome: "success" | "failure" | "unknown";
  fault?: DigestFault;
  reason: string;
};

export type DigestKeys = {
  /**
   * The public key with this fingerprint, PKCS #1 in DER; undefined if CloudTrail has none.
   * @throws AppError if it cannot be asked for
   */
  find(
    fingerprint: string,
    of: { region: string; startMs: number; endMs: number },
  ): Promise<Uint8Array | undefined>;
};

const REASONS: Readonly<Record<DigestFault, string>> = {
  digest_unreadable: "it is no digest file of CloudTrail",
  digest_location: "it was written at another place, and copied or moved here",
  digest_key: "CloudTrail has no public key with the fingerprint that it names: it was forged",
  digest_signature: "its signature is wrong or missing: it was changed after CloudTrail wrote it",
  digest_missing: "the digest file before it does not exist: it was deleted",
  digest_hash: "the digest file before it was changed after CloudTrail wrote it",
  log_missing: "it does not exist: it was deleted",
  log_hash: "its content was changed after CloudTrail wrote it",
};

type Deps = { s3: S3Api; keys: DigestKeys };

/**
 * Checks a digest file: its place, its signature, the file before it, and the content of the log files that it names.
 * Log files are read as streams.
 * @throws AppError if something cannot be read now
 */
export async function checkDigest(
  { ref, bytes }: { ref: ObjectRef; bytes: ObjectBytes },
  { s3, keys }: Deps,
  signal: AbortSignal,
): Promise<DigestVerdict[]> {
  const { bucket, key } = ref;
  const about = { file: "digest", bucket, key } as const;
  const content = await wholeContent(bytes, key);
  const digest = content && parseDigest(content);
  if (!digest) return [failed(about, "digest_unreadable")];
  const publicKey = await publicKeyOf(digest, key, keys);
  if (publicKey === undefined) return [failed(about, "digest_key")];
  if (typeof publicKey === "string") {
    return [{ ...about, outcome: "unknown", reason: publicKey }];
  }
  const file = { bucket, key, content, signature: bytes.metadata["signature"] };
  const fault = digestFault(digest, file, publicKey) ?? (await chainFault(digest, s3, signal));
  // The hashes in a digest that was changed are worth nothing.
  if (fault === "digest_signature" || fault === "digest_location") return [failed(about, fault)];
  const verdicts: DigestVerdict[] = [
    fault ? failed(about, fault) : { ...about, outcome: "success", reason: "it is valid" },
  ];
  for (const { s3Bucket, s3Object, hashValue } of digest.logFiles) {
    const log = { file: "log", bucket: s3Bucket, key: s3Object } as const;
    const found = await hashOf({ bucket: s3Bucket, key: s3Object }, s3, signal);
    if (found === hashValue) verdicts.push({ ...log, outcome: "success", reason: "it is valid" });
    else verdicts.push(failed(log, found === undefined ? "log_missing" : "log_hash"));
  }
  return verdicts;
}

const failed = (
  about: Pick<DigestVerdict, "file" | "bucket" | "key">,
  fault: DigestFault,
): DigestVerdict => ({ ...about, outcome: "failure", fault, reason: REASONS[fault] });

/** The key, undefined if CloudTrail has none with this fingerprint, or why it cannot be asked. */
async function publicKeyOf(
  digest: Digest,
  key: string,
  keys: DigestKeys,
): Promise<Uint8Array | string | undefined> {
  const region = regionOfDigest(key) ?? regionOfDigest(digest.digestS3Object);
  const [startMs, endMs] = [Date.parse(digest.digestStartTime), Date.parse(digest.digestEndTime)];
  if (region === undefined || Number.isNaN(startMs) || Number.isNaN(endMs)) {
    return "its key names no region, or it has no times: the public key cannot be looked up";
  }
  const fingerprint = digest.digestPublicKeyFingerprint;
  try {
    return await keys.find(fingerprint, { region, startMs, endMs });
  } catch (error) {
    // The logs are read nevertheless.
    if (error instanceof AppError && error.code === "forbidden") return error.message;
    throw error;
  }
}

async function chainFault(
  digest: Digest,
  s3: S3Api,
  signal: AbortSignal,
): Promise<DigestFault | undefined> {
  const previous = previousOf(digest);
  if (!previous) return undefined;
  const found = await hashOf(previous, s3, signal);
  if (found === undefined) return "digest_missing";
  return found === previous.hashValue ? undefined : "digest_hash";
}

/** SHA-256 of the decompressed content; undefined if the object does not exist, empty if it cannot be decompressed. */
async function hashOf(
  { bucket, key }: { bucket: string; key: string },
  s3: S3Api,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ref = { bucket, key, etag: undefined, size: undefined };
  let bytes: ObjectBytes | undefined;
  try {
    bytes = await ObjectBytes.open(s3, ref, signal);
    const sum = createHash("sha256");
    for await (const part of objectContent(bytes, key)) sum.update(part);
    return sum.digest("hex");
  } catch (error) {
    if (error instanceof UnreadableObject && error.why === "gone") return undefined;
    if (error instanceof RefusedFile) return "";
    throw error;
  } finally {
    bytes?.close();
  }
}

async function wholeContent(bytes: ObjectBytes, key: string): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of objectContent(bytes, key)) {
      size += part.length;
      if (size > DIGEST_BYTES_MAX) return undefined;
      parts.push(Buffer.from(part));
    }
  } catch (error) {
    if (error instanceof RefusedFile) return undefined;
    throw error;
  }
  return Buffer.concat(parts);
}

/** The verdict as an event in ECS. */
export function verdictEvent(verdict: DigestVerdict, nowMs: number): Record<string, unknown> {
  const { file, bucket, key, outcome, fault, reason } = verdict;
  const what = file === "digest" ? "digest file" : "log file";
  return {
    "@timestamp": new Date(nowMs).toISOString(),
    message: `The ${what} s3://${bucket}/${key} is ${WORDS[outcome]}: ${reason}`,
    "data_stream.dataset": "aws.cloudtrail_digest",
    "event.kind": outcome === "failure" ? "alert" : "event",
    "event.category": ["file"],
    "event.type": [outcome === "failure" ? "change" : "info"],
    "event.action": `${file}-validation`,
    "event.outcome": outcome,
    "event.reason": fault ?? reason,
    "log.level": outcome === "success" ? "info" : "error",
    "file.path": `s3://${bucket}/${key}`,
    "aws.s3.bucket.name": bucket,
    "aws.s3.object.key": key,
  };
}

const WORDS = { success: "valid", failure: "INVALID", unknown: "not checked" } as const;
