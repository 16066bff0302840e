import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";

import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";

import { parseQuery } from "#pipeline/query-language.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { type Moto, startMoto } from "../harness/moto.ts";
import { startProgram, temporaryFolder } from "../harness/program.ts";

/** For a longer run: QUARTERDECK_S3_OBJECTS=10000 npx vitest run tests/server/s3-source.test.ts */
const OBJECTS = Number(process.env["QUARTERDECK_S3_OBJECTS"] ?? 200);
const LINES_PER_OBJECT = 20;
/** An object of several chunks, so that a kill leaves it half read. */
const LARGE_LINES = 100_000;
/** The reader is killed each time when a share of the objects was written. */
const KILLS = 5;
const VISIBILITY_SECONDS = 5;
/** Objects that are written before they are announced again, in other forms and so much later. */
const BATCH = 10;
const LATER = 100;
const WAITING_MAX = 100;
const PATIENCE_MS = 60_000 + OBJECTS * 100;

const stack = new AsyncDisposableStack();
let moto: Moto | undefined;

beforeAll(async () => {
  moto = await startMoto();
  if (moto) stack.use(moto);
});
afterAll(() => stack.disposeAsync());

type Place = { s3: S3Client; sqs: SQSClient; bucket: string; queue: string };

/** A bucket whose new objects are announced in a queue. */
async function place({ env, url }: Moto, bucket: string): Promise<Place> {
  const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
  const at = { region: env["AWS_REGION"] ?? "", endpoint: url, credentials };
  const s3 = new S3Client({ ...at, forcePathStyle: true });
  const sqs = new SQSClient(at);
  stack.defer(() => s3.destroy());
  stack.defer(() => sqs.destroy());
  const CreateBucketConfiguration = { LocationConstraint: "eu-west-1" as const };
  await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: bucket }));
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
  const { Attributes } = await sqs.send(asked);
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          { QueueArn: Attributes?.["QueueArn"], Events: ["s3:ObjectCreated:*"] },
        ],
      },
    }),
  );
  return { s3, sqs, bucket, queue: QueueUrl };
}

const accessLines = (object: number, count: number): string =>
  Array.from({ length: count }, (_, line) => {
    const time = `14/Mar/2026:00:${String(line % 60).padStart(2, "0")}:00 +0000`;
    return `203.0.113.9 - - [${time}] "GET /${object}/${line} HTTP/1.1" 200 12 "-" "S3/1"\n`;
  }).join("");

const keyOf = (object: number): string =>
  `AWSLogs/a b+ü/${object % 7}/${object}.log${object % 2 === 0 ? ".gz" : ""}`;

/** Writes the object, which S3 announces. */
async function putObject({ s3, bucket }: Place, object: number): Promise<void> {
  const text = accessLines(object, object === OBJECTS - 1 ? LARGE_LINES : LINES_PER_OBJECT);
  const Body = object % 2 === 0 ? gzipSync(text) : text;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(object), Body }));
}

/** Announces these objects again, the last one first, in the other forms of notifications. */
async function announceAgain(
  { sqs, bucket, queue }: Place,
  objects: readonly number[],
): Promise<void> {
  const bodies = objects.toReversed().map((object) => {
    const key = keyOf(object);
    const encoded = encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");
    const record = {
      eventSource: "aws:s3",
      eventName: "ObjectCreated:Put",
      s3: { bucket: { name: bucket }, object: { key: encoded } },
    };
    const event = {
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { bucket: { name: bucket }, object: { key } },
    };
    return object % 3 === 0
      ? event
      : { Type: "Notification", Message: JSON.stringify({ Records: [record, record] }) };
  });
  const Entries = bodies.map((body, n) => ({ Id: `${n}`, MessageBody: JSON.stringify(body) }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
}

/**
 * Writes all objects, and announces half of them again at once, the others later. Not faster than they are read: moto takes
 * a time for each message that grows with the length of the queue, some milliseconds with a thousand.
 */
async function writeObjects(at: Place, progress: { written: number }): Promise<void> {
  const begins = Array.from({ length: OBJECTS / BATCH }, (_, n) => n * BATCH).values();
  const worker = async (): Promise<void> => {
    for (const begin of begins) {
      const objects = Array.from({ length: BATCH }, (_, n) => begin + n);
      for (const object of objects) await putObject(at, object);
      const isLater = (begin / BATCH) % 2 === 1 && begin >= LATER;
      await announceAgain(at, isLater ? objects.map((object) => object - LATER) : objects);
      progress.written += BATCH;
      await expect
        .poll(() => messages(at), { timeout: PATIENCE_MS, interval: 200 })
        .toBeLessThan(WAITING_MAX);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** Messages that wait, and those that are hidden because they are in work. */
async function messages({ sqs, queue }: Place): Promise<number> {
  const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
  const asked = new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: [...names] });
  const { Attributes } = await sqs.send(asked);
  return names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}

/** The number of those that count, that of the different requests in all files, and the alerts. */
async function storedEvents(
  data: string,
): Promise<{ events: number; different: number; alerts: unknown[] }> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  const files = `read_parquet('${data}/store/events/*.parquet', union_by_name = true)`;
  const sql = `SELECT count(DISTINCT "url.original")::INT AS different FROM ${files}`;
  const [row] = (await connection.runAndReadAll(sql)).getRowObjects();
  connection.closeSync();
  duck.closeSync();
  const { rows } = await store.status();
  const where = parseQuery("event.kind:alert");
  const alerts = await store.search({
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    where,
    limit: 100,
  });
  return {
    events: rows,
    different: Number(row?.["different"]),
    alerts: alerts.map(({ fields }) => fields["event.action"]),
  };
}

test(
  `${OBJECTS} objects are read once each, though they are announced several times and the reader is killed`,
  { timeout: 2 * PATIENCE_MS + 120_000 },
  async ({ skip }) => {
    if (!moto) return skip();
    await using folder = await temporaryFolder();
    const data = path.join(folder.path, "data");
    const at = await place(moto, "announced");
    await configure(data, [`queue: ${at.queue}`, `visibilityTimeout: ${VISIBILITY_SECONDS}`]);
    const beginMs = performance.now();
    const progress = { written: 0 };
    const broken = { Bucket: at.bucket, Key: "broken.gz", Body: gzipSync("lost").subarray(0, 10) };
    await at.s3.send(new PutObjectCommand(broken));
    const writing = writeObjects(at, progress);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const program = index(data, moto);
      const share = (kill / (KILLS + 1)) * OBJECTS;
      await expect
        .poll(() => progress.written, { timeout: PATIENCE_MS, interval: 50 })
        .toBeGreaterThan(share);
      await program.end("SIGKILL");
    }
    await using program = index(data, moto);
    await writing;
    await expect.poll(() => messages(at), { timeout: PATIENCE_MS, interval: 500 }).toBe(0);
    const seconds = (performance.now() - beginMs) / 1_000;
    const speed = Math.round(OBJECTS / seconds);
    process.stderr.write(`\n${OBJECTS} objects of moto with ${KILLS} kills: ${speed} objects/s\n`);
    expect(await program.end("SIGTERM")).toBe(0);
    const expected = (OBJECTS - 1) * LINES_PER_OBJECT + LARGE_LINES;
    // The broken object is an event.
    expect(await storedEvents(data)).toEqual({
      events: expected + 1,
      different: expected,
      alerts: ["object-refused"],
    });
  },
);

async function configure(data: string, properties: readonly string[]): Promise<void> {
  await mkdir(data, { recursive: true });
  const lines = ["sources:", "  - id: bucket", "    kind: s3"];
  const own = properties.map((property) => `    ${property}`);
  await writeFile(path.join(data, "sources.yaml"), `${[...lines, ...own].join("\n")}\n`);
}

const index = (data: string, { env }: Moto) =>
  startProgram(["role", "index", "--data", data], { env });
