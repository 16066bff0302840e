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
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { type Moto, startMoto } from "../harness/moto.ts";
import { startProgram, temporaryFolder } from "../harness/program.ts";

/** For a longer run: QUARTERDECK_S3_OBJECTS=10000 npx vitest run tests/server/s3-source.test.ts */
const OBJECTS = Number(process.env["QUARTERDECK_S3_OBJECTS"] ?? 200);
const LINES_PER_OBJECT = 20;
/** An object of several chunks, so that a kill leaves it half read. */
const LARGE_LINES = 100_000;
/** The reader is killed each time when a share of the messages was deleted. */
const KILLS = 5;
const VISIBILITY_SECONDS = 5;
/** Notifications that are sent again together. */
const RECORDS_PER_MESSAGE = 20;
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

async function putObjects({ s3, bucket }: Place): Promise<void> {
  const put = (object: number, lines: number): Promise<unknown> => {
    const text = accessLines(object, lines);
    const Body = object % 2 === 0 ? gzipSync(text) : text;
    return s3.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(object), Body }));
  };
  const next = Array.from({ length: OBJECTS }, (_, object) => object).values();
  const worker = async (): Promise<void> => {
    for (const object of next) {
      await put(object, object === OBJECTS - 1 ? LARGE_LINES : LINES_PER_OBJECT);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** Each object is announced twice again, the last one first, in the other forms of notifications. */
async function announceAgain({ sqs, bucket, queue }: Place): Promise<void> {
  const send = (body: unknown): Promise<unknown> =>
    sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: JSON.stringify(body) }));
  const objects = Array.from({ length: OBJECTS }, (_, n) => OBJECTS - 1 - n);
  for (let at = 0; at < OBJECTS; at += RECORDS_PER_MESSAGE) {
    const Records = objects.slice(at, at + RECORDS_PER_MESSAGE).flatMap((object) => {
      const key = encodeURIComponent(keyOf(object)).replaceAll("%20", "+").replaceAll("%2F", "/");
      const record = {
        eventSource: "aws:s3",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: bucket }, object: { key } },
      };
      return [record, record];
    });
    await send({ Type: "Notification", Message: JSON.stringify({ Records }) });
    await send({
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { bucket: { name: bucket }, object: { key: keyOf(objects[at] ?? 0) } },
    });
  }
}

/** Messages that wait, and those that are hidden because they are in work. */
async function messages({ sqs, queue }: Place): Promise<number> {
  const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
  const asked = new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: [...names] });
  const { Attributes } = await sqs.send(asked);
  return names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}

/** Those that count, and the different ones of all files. */
async function storedEvents(data: string): Promise<{ events: number; different: number }> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const duck = await DuckDBInstance.create();
  const connection = await duck.connect();
  const files = `read_parquet('${data}/store/events/*.parquet', union_by_name = true)`;
  const sql = `SELECT count(DISTINCT "url.original")::INT AS different FROM ${files}`;
  const [row] = (await connection.runAndReadAll(sql)).getRowObjects();
  connection.closeSync();
  duck.closeSync();
  const { rows } = await store.status();
  return { events: rows, different: Number(row?.["different"]) };
}

test(
  `${OBJECTS} objects are read once each, though they are announced three times and the reader is killed`,
  { timeout: 2 * PATIENCE_MS + 120_000 },
  async ({ skip }) => {
    if (!moto) return skip();
    await using folder = await temporaryFolder();
    const data = path.join(folder.path, "data");
    const at = await place(moto, "announced");
    await putObjects(at);
    await announceAgain(at);
    await configure(data, [`queue: ${at.queue}`, `visibilityTimeout: ${VISIBILITY_SECONDS}`]);
    const total = await messages(at);
    const rest = (most: number): Promise<void> =>
      expect
        .poll(() => messages(at), { timeout: PATIENCE_MS, interval: 200 })
        .toBeLessThanOrEqual(most);
    const beginMs = performance.now();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const program = index(data, moto);
      await rest(total * (1 - (kill + 1) / (KILLS + 1)));
      await program.end("SIGKILL");
    }
    await using program = index(data, moto);
    await rest(0);
    const seconds = (performance.now() - beginMs) / 1_000;
    const speed = Math.round(OBJECTS / seconds);
    process.stderr.write(`\n${OBJECTS} objects of moto with ${KILLS} kills: ${speed} objects/s\n`);
    expect(await program.end("SIGTERM")).toBe(0);
    const expected = (OBJECTS - 1) * LINES_PER_OBJECT + LARGE_LINES;
    expect(await storedEvents(data)).toEqual({ events: expected, different: expected });
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
