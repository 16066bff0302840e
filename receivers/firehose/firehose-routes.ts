import type { IncomingMessage } from "node:http";

import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { bodyBudget } from "#platform/http/body-budget.ts";
import type { ProblemBody } from "#platform/http/problem.ts";
import type { Route } from "#platform/http/route.ts";

import type { Delivery } from "../delivery/delivery.ts";
import { beginDelivery, type PushDeps, BODY_BYTES_MAX } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { type FirehoseOrigin, firehoseOrigin, firehoseRequest } from "./firehose-request.ts";
import { countLines, logGroupIn, recordContent, recordLines } from "./record-lines.ts";

const JSON_TYPE = "application/json";
const REQUEST_ID = "x-amz-firehose-request-id";
/** Of all records of a request, when they are unpacked. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

type FirehoseDeps = PushDeps & { clock: Clock };

const Answer = z.strictObject({ requestId: z.string(), timestamp: z.int() });

/** HTTP endpoint delivery of Amazon Data Firehose. */
export const firehoseRoutes = (deps: FirehoseDeps): Route<TokenRule>[] => [
  tokenRoute({
    method: "POST",
    path: "/firehose",
    operationId: "receiveFirehose",
    tag: "Amazon Data Firehose",
    summary: "Accepts records of Amazon Data Firehose",
    description: `The access key of the endpoint is a push token. At most ${BODY_BYTES_MAX} bytes, so let the buffer of the stream have at most 16 MiB. Records are the lines of any log, JSON, or what a subscription of CloudWatch Logs sends, compressed with gzip or not; formats are detected. The parameter (common attribute) dataset names the dataset, others become labels. All records of a request are kept or none, and a request that is sent again is recognised.`,
    rule: { allow: "token", header: "x-amz-firehose-access-key" },
    query: z.unknown(),
    consumes: [JSON_TYPE],
    refusal: (problem, incoming) => firehoseRefusal(problem, incoming, deps.clock.nowMs()),
    responses: { 200: { description: "All records are on disk", body: Answer } },
    async handle(call) {
      const origin = firehoseOrigin(call.incoming.headers);
      using received = await beginDelivery(deps, "firehose", call);
      const { body, delivery } = received;
      const { requestId, records, identity } = firehoseRequest(body);
      const contents = await unpackRecords(records, call.incoming);
      // Without waiting until `send`, so that of two equal requests at a time one is recognised.
      if (!delivery.isRepeatedRequest({ group: "firehose", key: identity })) {
        addRecords(delivery, contents, origin);
      }
      await delivery.send();
      return { status: 200 as const, body: { requestId, timestamp: deps.clock.nowMs() } };
    },
  }),
];

type Content = { content: Buffer; damage?: string };

/** The content of each record. One that cannot be unpacked is kept as it was sent, which no format reads: it is quarantined. */
async function unpackRecords(
  records: readonly string[],
  incoming: IncomingMessage,
): Promise<Content[]> {
  const contents: Content[] = [];
  let unpackedBytes = 0;
  for (const data of records) {
    const read = await recordContent(data);
    const unpacked = "reason" in read ? { content: Buffer.from(data), damage: read.reason } : read;
    contents.push(unpacked);
    unpackedBytes += unpacked.content.length;
    bodyBudget.add(incoming, unpacked.content.length);
    if (unpackedBytes > UNPACKED_BYTES_MAX) {
      const message = `The records have more than ${UNPACKED_BYTES_MAX} bytes when they are unpacked: let the buffer of the Firehose stream be smaller.`;
      throw new AppError("too_large", message);
    }
  }
  return contents;
}

/** @throws AppError forbidden if the token may not write them */
function addRecords(
  delivery: Delivery,
  contents: readonly Content[],
  { stream, fields, dataset }: FirehoseOrigin,
): void {
  for (const { content, damage } of contents) {
    if (damage !== undefined) delivery.refuse({ code: "damaged", message: damage });
    const text = recordLines(content);
    const names = { stream: `${stream} ${logGroupIn(content)}`.trim(), dataset };
    const refusal = delivery.addLines({ text, count: countLines(text), fields }, names);
    if (refusal) throw new AppError("forbidden", refusal.message);
  }
}

/** Firehose shows the message in its error log, and repeats the request. */
function firehoseRefusal(
  { detail, errors = [] }: ProblemBody,
  { headers }: IncomingMessage,
  timestamp: number,
): { media: string; bytes: Uint8Array<ArrayBuffer> } {
  const errorMessage = [detail, ...errors.map(({ message }) => message)].join(" ");
  const body = { requestId: String(headers[REQUEST_ID] ?? ""), timestamp, errorMessage };
  return { media: JSON_TYPE, bytes: new TextEncoder().encode(JSON.stringify(body)) };
}
