import { createHash } from "node:crypto";

import { z } from "zod";

import { DATASETS_MAX } from "#pipeline/datasets.ts";
import { mediaType, readBody } from "#platform/http/encoded-body.ts";
import { IDEMPOTENCY_HOURS, once } from "#platform/http/idempotency.ts";
import { type Route, route } from "#platform/http/route.ts";

import { acceptBatch, acceptOne } from "../commands/accept-logs.ts";
import type { Deps } from "../commands/deps.ts";
import { WRITE } from "../commands/read-scope.ts";
import { LINES_MAX } from "../domain/batch.ts";
import { FIELD_BYTES_MAX, FIELDS_MAX, TOO_MANY_DATASETS } from "../domain/normalise.ts";

const MIB = 1024 * 1024;
const BATCH_BYTES_MAX = 5 * MIB;
const ERRORS_MAX = 100;
const NDJSON = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

const LIMITS = `A document has a dataset (data_stream.dataset or event.dataset) that the caller may write to, at most ${FIELDS_MAX} fields, and ${FIELD_BYTES_MAX} bytes in each. It is kept, and searched for, as data_stream.dataset. Without @timestamp it gets the time at which it came. log.source.id and log.offset are set by the pipeline. The document as it was sent is kept as event.original, unless it has that field. There are at most ${DATASETS_MAX} datasets: an event that would add another one is refused with the code ${TOO_MANY_DATASETS}.`;
const DURABLE =
  "The response is sent once the events are on disk; searches find them a few seconds later.";

const Refused = z.strictObject({
  line: z.int(),
  field: z.string(),
  code: z.string(),
  message: z.string(),
});

export function pushRoutes(deps: Deps): Route[] {
  return [pushOne(deps), pushBatch(deps)];
}

const pushOne = (deps: Deps): Route =>
  route({
    method: "POST",
    path: "/v1/logs",
    operationId: "pushLog",
    tag: "Push",
    summary: "Accepts one log event",
    description: `ECS as JSON, nested or with dotted names. ${LIMITS} ${DURABLE}`,
    rule: { allow: "permission", permission: WRITE, scoped: true },
    body: z.record(z.string(), z.unknown()).meta({
      example: {
        "data_stream.dataset": "shop.orders",
        "log.level": "info",
        message: "order 17 was paid",
      },
    }),
    idempotency: "optional",
    responses: { 202: { description: "Kept", body: z.strictObject({ accepted: z.int() }) } },
    async handle({ body, bodyText, caller, nowMs, incoming, write }) {
      const accept = doneOnce(async () => {
        await acceptOne(deps, { document: body, text: bodyText }, { caller, nowMs });
        return { status: 202 as const, body: { accepted: 1 } };
      });
      // Only requests with an Idempotency-Key wait for the disk inside a transaction; others need no database.
      return incoming.headers["idempotency-key"] === undefined ? accept() : write(accept);
    },
  });

const pushBatch = (deps: Deps): Route =>
  route({
    method: "POST",
    path: "/v1/logs/batch",
    operationId: "pushLogs",
    tag: "Push",
    summary: "Accepts many log events as NDJSON",
    description: `NDJSON of at most ${BATCH_BYTES_MAX / MIB} MiB and ${LINES_MAX} lines, gzipped or not. Each line is checked on its own: valid lines are accepted, the first ${ERRORS_MAX} invalid ones are listed with their line number. If no line is valid, the request fails. ${LIMITS} ${DURABLE} An Idempotency-Key is remembered for ${IDEMPOTENCY_HOURS} hours.`,
    rule: { allow: "permission", permission: WRITE, scoped: true },
    consumes: NDJSON,
    bodyBytesMax: BATCH_BYTES_MAX,
    idempotency: "optional",
    responses: {
      202: {
        description: "Accepted, except the lines listed",
        body: z.strictObject({
          accepted: z.int(),
          rejected: z.int(),
          errors: z.array(Refused),
        }),
      },
    },
    async handle({ caller, nowMs, incoming, database }) {
      mediaType(incoming, NDJSON);
      const bytes = await readBody(incoming, BATCH_BYTES_MAX);
      const accept = doneOnce(async () => {
        const { accepted, refused } = await acceptBatch(deps, bytes, { caller, nowMs });
        const errors = refused.slice(0, ERRORS_MAX);
        return { status: 202 as const, body: { accepted, rejected: refused.length, errors } };
      });
      const key = incoming.headers["idempotency-key"];
      if (typeof key !== "string") return accept();
      const content = createHash("sha256").update(bytes).digest("hex");
      const scope = `${caller.kind} ${caller.id} pushLogs`;
      return database.transaction((tx) => once(tx, { key, scope, content, nowMs }, accept));
    },
  });

/** The transaction around it may be repeated, and what is on the bus stays there. */
function doneOnce<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let done: { value: Value } | undefined;
  return async () => {
    done ??= { value: await work() };
    return done.value;
  };
}
