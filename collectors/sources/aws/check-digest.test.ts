import { generateKeyPairSync, hash, sign } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { AppError } from "#platform/errors.ts";

import { checkDigest, type DigestKeys, type DigestVerdict, verdictEvent } from "./check-digest.ts";
import { ObjectBytes } from "./object-bytes.ts";
import { type S3Api, UnreadableObject } from "./s3-api.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PUBLIC_KEY = publicKey.export({ format: "der", type: "pkcs1" });
const BUCKET = "trail";

/** Digest files of three hours, each with two log files, as CloudTrail writes them. */
class Trail {
  readonly objects = new Map<string, { bytes: Buffer; signature?: string }>();
  readonly digestKeys: string[] = [];
  readonly logKeys: string[] = [];

  constructor({ accountId = "1" } = {}) {
    let previous: { key: string; hashValue: string; signature: string } | undefined;
    for (let hour = 0; hour < 3; hour += 1) {
      const before = previous ?? { key: null, hashValue: null, signature: null };
      const logFiles = [0, 1].map((n) => {
        const key = `AWSLogs/1/CloudTrail/eu-west-1/2026/03/14/${hour}_${n}.json.gz`;
        const text = JSON.stringify({ Records: [{ eventName: "GetObject", hour, n }] });
        this.objects.set(key, { bytes: gzipSync(text) });
        this.logKeys.push(key);
        const hashValue = hash("sha256", text, "hex");
        return { s3Bucket: BUCKET, s3Object: key, hashValue, hashAlgorithm: "SHA-256" };
      });
      const key = `AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/${hour}.json.gz`;
      const end = `2026-03-14T0${hour + 1}:00:00Z`;
      const text = JSON.stringify({
        awsAccountId: accountId,
        digestStartTime: `2026-03-14T0${hour}:00:00Z`,
        digestEndTime: end,
        digestS3Bucket: BUCKET,
        digestS3Object: key,
        digestPublicKeyFingerprint: "f1",
        digestSignatureAlgorithm: "SHA256withRSA",
        previousDigestS3Bucket: previous ? BUCKET : null,
        previousDigestS3Object: before.key,
        previousDigestHashValue: before.hashValue,
        previousDigestSignature: before.signature,
        logFiles,
      });
      const hashValue = hash("sha256", text, "hex");
      const signed = `${end}\n${BUCKET}/${key}\n${hashValue}\n${before.signature}`;
      const signature = sign("RSA-SHA256", Buffer.from(signed), privateKey).toString("hex");
      this.objects.set(key, { bytes: gzipSync(text), signature });
      this.digestKeys.push(key);
      previous = { key, hashValue, signature };
    }
  }

  change(key: string | undefined, edit: (text: string) => string, level = 6): void {
    const object = this.objects.get(key ?? "");
    if (key === undefined || !object) throw new Error("there is no such object");
    const text = edit(gunzipSync(object.bytes).toString());
    this.objects.set(key, { ...object, bytes: gzipSync(text, { level }) });
  }

  readonly api: S3Api = {
    get: async ({ key }, { offset }) => {
      const object = this.objects.get(key);
      if (!object) throw new UnreadableObject("does not exist any more", "gone");
      const { bytes, signature } = object;
      const body = Readable.from([bytes.subarray(offset)]);
      const metadata = signature === undefined ? {} : { signature };
      return { etag: "e", size: bytes.length, metadata, body };
    },
    list: () => Promise.reject(new Error("nothing is listed")),
    close: () => undefined,
  };

  /** The faults of all digest files that exist, each with the name of its file. */
  async faults(key: Buffer | "none" = PUBLIC_KEY): Promise<string[]> {
    const verdicts = await this.verdicts(key);
    return verdicts
      .filter(({ outcome }) => outcome !== "success")
      .map((it) => `${it.file} ${it.key.split("/").at(-1)} ${it.fault ?? it.outcome}`);
  }

  async verdicts(key: Buffer | "none" = PUBLIC_KEY): Promise<DigestVerdict[]> {
    const verdicts: DigestVerdict[] = [];
    const { signal } = new AbortController();
    for (const digest of [...this.objects.keys()].filter((it) => it.includes("-Digest/"))) {
      const ref = { bucket: BUCKET, key: digest, etag: undefined, size: undefined };
      const bytes = await ObjectBytes.open(this.api, ref, signal);
      const deps = { s3: this.api, keys: { find: async () => (key === "none" ? undefined : key) } };
      verdicts.push(...(await checkDigest({ ref, bytes }, deps, signal)));
    }
    return verdicts;
  }
}

test("files as CloudTrail wrote them are valid, also when they were compressed again", async () => {
  const trail = new Trail();
  trail.change(trail.logKeys[0], (text) => text, 1);
  const verdicts = await trail.verdicts();
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(Array(9).fill("success"));
});

test("a log file that was changed, deleted or damaged is named", async () => {
  const trail = new Trail();
  trail.change(trail.logKeys[1], (text) => text.replace("Get", "Put"));
  trail.objects.delete(trail.logKeys[2] ?? "");
  const damaged = trail.objects.get(trail.logKeys[4] ?? "")?.bytes ?? Buffer.alloc(0);
  trail.objects.set(trail.logKeys[4] ?? "", { bytes: damaged.subarray(0, -9) });
  expect(await trail.faults()).toEqual([
    "log 0_1.json.gz log_hash",
    "log 1_0.json.gz log_missing",
    "log 2_0.json.gz log_hash",
  ]);
});

test("a digest file that was changed has a wrong signature, and breaks the chain of the next one", async () => {
  const trail = new Trail();
  trail.change(trail.digestKeys[1], (text) => text.replace("T02:00:00Z", "T02:00:01Z"));
  expect(await trail.faults()).toEqual([
    "digest 1.json.gz digest_signature",
    "digest 2.json.gz digest_hash",
  ]);
});

test("a digest file that was deleted, moved, signed by another key or not at all is named", async () => {
  const deleted = new Trail();
  deleted.objects.delete(deleted.digestKeys[1] ?? "");
  expect(await deleted.faults()).toEqual(["digest 2.json.gz digest_missing"]);

  const moved = new Trail();
  const last = moved.objects.get(moved.digestKeys[2] ?? "") ?? { bytes: Buffer.alloc(0) };
  moved.objects.delete(moved.digestKeys[2] ?? "");
  moved.objects.set("copy/CloudTrail-Digest/eu-west-1/2.json.gz", last);
  expect(await moved.faults()).toEqual(["digest 2.json.gz digest_location"]);

  const unsigned = new Trail();
  const { bytes } = last;
  unsigned.objects.set(unsigned.digestKeys[2] ?? "", { bytes });
  expect(await unsigned.faults()).toEqual(["digest 2.json.gz digest_signature"]);

  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  const otherKey = other.export({ format: "der", type: "pkcs1" });
  expect(await new Trail().faults(otherKey)).toEqual(
    [0, 1, 2].map((n) => `digest ${n}.json.gz digest_signature`),
  );
});

test("content that is no digest, and a digest whose key is unknown, are stated", async () => {
  const trail = new Trail();
  for (const key of trail.digestKeys.slice(1)) trail.objects.delete(key);
  expect(await trail.faults(Buffer.alloc(0))).toEqual(["digest 0.json.gz digest_signature"]);
  trail.change(trail.digestKeys[0], () => '{"Records":[]}');
  expect(await trail.faults()).toEqual(["digest 0.json.gz digest_unreadable"]);
});

test("the order in which digest files are checked changes nothing", async () => {
  const trail = new Trail();
  const reversed = [...trail.objects].toReversed();
  trail.objects.clear();
  for (const [key, object] of reversed) trail.objects.set(key, object);
  expect(await trail.faults()).toEqual([]);
});

test("a digest file without those before it is named once, and so is one of a forged key, of another account or copied from another region", async () => {
  const first = new Trail();
  first.objects.delete(first.digestKeys[0] ?? "");
  expect(await first.faults()).toEqual(["digest 1.json.gz digest_missing"]);

  const forged = new Trail();
  expect(await forged.faults("none")).toEqual(
    [0, 1, 2].map((n) => `digest ${n}.json.gz digest_key`),
  );

  const other = new Trail({ accountId: "2" });
  expect(await other.faults()).toContain("digest 0.json.gz digest_location");

  const moved = new Trail();
  const [key = ""] = moved.digestKeys;
  const object = moved.objects.get(key) ?? { bytes: Buffer.alloc(0) };
  moved.objects.set(key.replace("eu-west-1", "us-east-1"), object);
  expect(await moved.faults()).toEqual(["digest 0.json.gz digest_location"]);
});

test("keys are looked up at the time of the digest file, whatever the clock is, and a denial is stated", async () => {
  const trail = new Trail();
  const [key = ""] = trail.digestKeys;
  const asked: unknown[] = [];
  const check = async (find: () => Promise<Buffer>): Promise<DigestVerdict[]> => {
    const { signal } = new AbortController();
    const ref = { bucket: BUCKET, key, etag: undefined, size: undefined };
    const bytes = await ObjectBytes.open(trail.api, ref, signal);
    const keys: DigestKeys = {
      find: (fingerprint, when) => {
        asked.push([fingerprint, when]);
        return find();
      },
    };
    return checkDigest({ ref, bytes }, { s3: trail.api, keys }, signal);
  };
  await check(async () => PUBLIC_KEY);
  const startMs = Date.UTC(2026, 2, 14);
  expect(asked).toEqual([["f1", { region: "eu-west-1", startMs, endMs: startMs + 3_600_000 }]]);
  const denied = new AppError("forbidden", "allow cloudtrail:ListPublicKeys");
  expect(await check(() => Promise.reject(denied))).toMatchObject([
    { outcome: "unknown", reason: "allow cloudtrail:ListPublicKeys" },
  ]);
});

test("an invalid file is an event that can be searched and alerted", async () => {
  const trail = new Trail();
  trail.objects.delete(trail.logKeys[0] ?? "");
  const verdict = (await trail.verdicts()).find(({ outcome }) => outcome === "failure");
  expect(verdict && verdictEvent(verdict, 0)).toMatchObject({
    "data_stream.dataset": "aws.cloudtrail_digest",
    "event.kind": "alert",
    "event.outcome": "failure",
    "event.reason": "log_missing",
    "log.level": "error",
    "file.path": `s3://${BUCKET}/${trail.logKeys[0]}`,
  });
});
