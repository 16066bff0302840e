import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";

import { parseQuery } from "#pipeline/query-language.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { type Moto, startMoto } from "../harness/moto.ts";
import { startProgram, temporaryFolder } from "../harness/program.ts";
import { CONTENTS } from "./contents.ts";

const MB = 1024 * 1024;
const BUCKET = "hostile";
const RSS_MB_MAX = 900;
const PATIENCE = { timeout: 120_000, interval: 1_000 };
const EVENTS_MAX = 5_000;

const line = (n: number): string =>
  `203.0.113.7 - - [14/Mar/2026:00:00:00 +0000] "GET /ordinary/${n} HTTP/1.1" 200 12 "-" "S3/1"\n`;
const gzip = gzipSync(line(0).repeat(1_000));

/** Objects that are refused, each once. */
const DAMAGED: Readonly<Record<string, Buffer>> = {
  "bomb.gz": gzipSync(Buffer.alloc(600 * MB)),
  "bomb.zst": zstdCompressSync(Buffer.alloc(600 * MB)),
  "half.gz": gzip.subarray(0, gzip.length / 2),
  "half.zst": zstdCompressSync(line(0).repeat(1_000)).subarray(0, 20),
  "changed.gz": Buffer.concat([gzip.subarray(0, 40), Buffer.from("changed"), gzip.subarray(47)]),
};
/** Objects of which something is an event, or nothing. */
const ODD: Readonly<Record<string, Buffer>> = {
  "no-gzip.gz": Buffer.from(line(0)),
  "twice.gz": gzipSync(gzip),
  "members.gz": Buffer.concat([gzip, gzip]),
  "without-end.log": Buffer.alloc(40 * MB, "x"),
  "records.json": Buffer.from(`{"Records":[${"[".repeat(50_000)}${"]".repeat(50_000)}]}`),
  "no-records.json": Buffer.from('{"Records":{"__proto__":1}}'),
  "many-records.json": Buffer.from(`{"Records":[${"{},".repeat(200_000)}{}]}`),
  'odd \u202E key +%00?&#"<b>.log': Buffer.from(line(0)),
};
const s3Records = (...records: object[]): string => JSON.stringify({ Records: records });
const created = (key: string, bucket = BUCKET): object => ({
  eventSource: "aws:s3",
  eventName: "ObjectCreated:Put",
  s3: { bucket: { name: bucket }, object: { key } },
});
/** Messages that are refused, each once. */
const MESSAGES: readonly string[] = [
  "{",
  "null",
  "[".repeat(100_000),
  '{"Records":'.repeat(10_000),
  "H4sIAAAAAAAAA0vOzwUA",
  JSON.stringify({ awslogs: { data: gzipSync(Buffer.alloc(100 * MB)).toString("base64") } }),
  s3Records(created("%zz")),
  s3Records(created("a", "169.254.169.254/latest")),
  s3Records({ ...created("a"), s3: { bucket: "b", object: [] } }),
];

let moto: Moto | undefined;
beforeAll(async () => {
  moto = await startMoto();
});
afterAll(() => moto?.[Symbol.asyncDispose]());

/** The bucket and a queue, each with an end. */
async function openAws({ url, env }: Moto) {
  const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
  const at = { region: env["AWS_REGION"] ?? "", endpoint: url, credentials };
  const s3 = new S3Client({ ...at, forcePathStyle: true });
  const sqs = new SQSClient(at);
  const CreateBucketConfiguration = { LocationConstraint: "eu-west-1" as const };
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: BUCKET }));
  return {
    queue: QueueUrl,
    put: (Key: string, Body: Buffer) =>
      s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body })),
    announce: (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody })),
    [Symbol.dispose]() {
      s3.destroy();
      sqs.destroy();
    },
  };
}

/** The values of a field in the events that match. */
async function stored(data: string, search: string, field: string): Promise<string[]> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const where = parseQuery(search);
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where, limit: EVENTS_MAX };
  return (await store.search(all)).map(({ fields }) => String(fields[field]));
}

test(
  "hostile objects and messages are read or refused once, and those beside them are read once, in bounded memory",
  { timeout: 300_000 },
  async ({ skip }) => {
    if (!moto) return skip();
    await using folder = await temporaryFolder();
    const data = path.join(folder.path, "data");
    using aws = await openAws(moto);
    await mkdir(data);
    await writeFile(
      path.join(data, "sources.yaml"),
      `sources:\n  - { id: hostile, kind: s3, bucket: ${BUCKET}, queue: "${aws.queue}" }\n`,
    );
    await using index = startProgram(["role", "index", "--data", data], { env: moto.env });
    let ordinary = 0;
    const putOrdinary = async (): Promise<void> => {
      ordinary += 1;
      const key = `ordinary/${ordinary}.log`;
      await aws.put(key, Buffer.from(line(ordinary)));
      await aws.announce(s3Records(created(encodeURIComponent(key))));
    };
    const objects = [
      ...Object.entries(CONTENTS).flatMap(([name, body]) => [
        [`${name}.log`, body] as const,
        [`${name}.log.gz`, gzipSync(body)] as const,
      ]),
      ...Object.entries(ODD),
      ...Object.entries(DAMAGED),
    ];
    for (const [key, body] of objects) {
      await aws.put(key, body);
      await aws.announce(s3Records(created(encodeURIComponent(key))));
      await putOrdinary();
    }
    for (const message of MESSAGES) {
      await aws.announce(message);
      await putOrdinary();
    }
    const paths = Array.from({ length: ordinary }, (_, n) => `/ordinary/${n + 1}`);
    const found = async (): Promise<string[]> =>
      (await stored(data, "path:/ordinary/* -path:/ordinary/0", "url.original")).toSorted();
    await expect.poll(found, PATIENCE).toEqual(paths.toSorted());
    const refused = async (action: string, field: string): Promise<string[]> =>
      (await stored(data, `event.action:${action}`, field)).toSorted();
    const keys = Object.keys(DAMAGED).toSorted();
    await expect.poll(() => refused("object-refused", "aws.s3.object.key"), PATIENCE).toEqual(keys);
    await expect
      .poll(async () => (await refused("message-refused", "event.reason")).length, PATIENCE)
      .toBe(MESSAGES.length);
    const { pid } = index.child;
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    expect(Number(peak?.[1]) / 1_000).toBeLessThan(RSS_MB_MAX);
    expect(await index.end("SIGTERM")).toBe(0);
  },
);
