import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { Client, HttpConnection } from "@elastic/elasticsearch";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

/** Where a shipper delivers, and how many events: those with the texts of `textOf`. */
type Task = { url: string; secret: string; events: number };

/** The text of an event, which has its number. */
const textOf = (number: number): string => `step ${number} of the order was done`;
const NUMBER = /^step (\d+) of/;
export const numberIn = (text: string): number => Number(NUMBER.exec(text)?.[1] ?? Number.NaN);

export type Shipper = {
  name: string;
  /** Whether its events have identities, or its requests times, so that each is kept once although it sends some again. */
  hasIdentities: boolean;
  /** Resolves when the shipper believes that all events were delivered. */
  deliver(task: Task): Promise<void>;
};

const RETRIES_MAX = 100;
const RETRY_MS = 200;
const BATCH = 500;

/** The bulk helper of Elastic's client, with its own retries. */
const elasticsearch: Shipper = {
  name: "elasticsearch",
  hasIdentities: true,
  async deliver({ url, secret, events }) {
    const client = new Client({
      node: url,
      auth: { apiKey: { id: "any", api_key: secret } },
      Connection: HttpConnection,
      maxRetries: RETRIES_MAX,
    });
    async function* documents(): AsyncGenerator<{ id: string; message: string }> {
      for (let n = 0; n < events; n += 1) yield { id: `order ${n}`, message: textOf(n) };
    }
    await client.helpers.bulk<{ id: string; message: string }>({
      datasource: documents(),
      flushBytes: BATCH * 100,
      retries: RETRIES_MAX,
      wait: RETRY_MS,
      onDocument: ({ id }) => ({ create: { _index: "logs-orders-default", _id: id } }),
      // A document that was kept by the request whose answer was lost.
      onDrop: ({ status, error }) => {
        if (status !== 409) throw new Error(`${status}: ${JSON.stringify(error)}`);
      },
    });
    await client.close();
  },
};

/** The SDK of OpenTelemetry with its exporter for OTLP over HTTP, which retries for as long as its timeout. */
const opentelemetry: Shipper = {
  name: "opentelemetry",
  hasIdentities: true,
  async deliver({ url, secret, events }) {
    const exporter = new OTLPLogExporter({
      url: `${url}/v1/logs`,
      headers: { authorization: `Bearer ${secret}` },
      timeoutMillis: 120_000,
    });
    const processor = new BatchLogRecordProcessor({
      exporter,
      maxQueueSize: 4 * BATCH,
      maxExportBatchSize: BATCH,
      exportTimeoutMillis: 120_000,
    });
    const provider = new LoggerProvider({ processors: [processor] });
    const logger = provider.getLogger("orders");
    for (let n = 0; n < events; n += 1) {
      logger.emit({ severityNumber: SeverityNumber.INFO, body: textOf(n) });
      // The queue of the SDK drops records when it is full.
      if (n % BATCH === BATCH - 1) await provider.forceFlush();
    }
    await provider.shutdown();
  },
};

/** A request that is repeated until it is accepted, as curl --retry does. */
async function post(url: string, request: RequestInit): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { method: "POST", ...request }).catch(() => undefined);
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.ok) return;
    if (tries === RETRIES_MAX) throw new Error(`${url} answered ${response?.status}`);
    await delay(RETRY_MS);
  }
}

const inBatches = async (
  { events }: Task,
  send: (numbers: readonly number[]) => Promise<void>,
): Promise<void> => {
  for (let from = 0; from < events; from += BATCH) {
    const count = Math.min(BATCH, events - from);
    await send(Array.from({ length: count }, (_, n) => from + n));
  }
};

const curl: Shipper = {
  name: "curl",
  hasIdentities: false,
  deliver: (task) =>
    inBatches(task, (numbers) =>
      post(`${task.url}/push`, {
        headers: {
          authorization: `Bearer ${task.secret}`,
          "content-type": "application/x-ndjson",
        },
        body: numbers.map((n) => `${JSON.stringify({ message: textOf(n) })}\n`).join(""),
      }),
    ),
};

const splunk: Shipper = {
  name: "splunk",
  hasIdentities: false,
  deliver: (task) =>
    inBatches(task, (numbers) =>
      post(`${task.url}/services/collector/event`, {
        headers: { authorization: `Splunk ${task.secret}` },
        body: numbers.map((n) => JSON.stringify({ event: textOf(n) })).join(""),
      }),
    ),
};

const FIRST_NS = 1_773_446_400_000_000_000n;

const loki: Shipper = {
  name: "loki",
  hasIdentities: true,
  deliver: (task) =>
    inBatches(task, (numbers) => {
      const values = numbers.map((n) => [String(FIRST_NS + BigInt(n)), textOf(n)]);
      return post(`${task.url}/loki/api/v1/push`, {
        headers: { authorization: `Bearer ${task.secret}`, "content-type": "application/json" },
        body: JSON.stringify({ streams: [{ stream: { app: "orders" }, values }] }),
      });
    }),
};

/** As Amazon Data Firehose delivers a subscription of CloudWatch Logs: attempts of a request have the same id. */
const firehose: Shipper = {
  name: "firehose",
  hasIdentities: true,
  deliver: (task) =>
    inBatches(task, (numbers) => {
      const logEvents = numbers.map((n) => ({
        id: String(n).padStart(56, "3"),
        timestamp: Number(FIRST_NS / 1_000_000n) + n,
        message: textOf(n),
      }));
      const about = { messageType: "DATA_MESSAGE", owner: "1", logGroup: "g", logStream: "s" };
      const data = gzipSync(JSON.stringify({ ...about, logEvents })).toString("base64");
      return post(`${task.url}/firehose`, {
        headers: { "x-amz-firehose-access-key": task.secret, "content-type": "application/json" },
        body: JSON.stringify({ requestId: `request ${numbers[0]}`, records: [{ data }] }),
      });
    }),
};

export const SHIPPERS: readonly Shipper[] = [
  elasticsearch,
  opentelemetry,
  curl,
  splunk,
  loki,
  firehose,
];
