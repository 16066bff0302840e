import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { DEPTH_MAX, isShallow } from "#collectors/formats/json-line.ts";
import { eachLine } from "#collectors/lines.ts";
import { DATASET, DATASET_HINT } from "#pipeline/dataset-names.ts";
import { AppError } from "#platform/errors.ts";
import { checkObjectCount } from "#platform/http/bounded-json.ts";
import { mediaTypeOf } from "#platform/http/encoded-body.ts";
import type { Route } from "#platform/http/route.ts";

import type { Delivery, Names } from "../delivery/delivery.ts";
import { judgeDocument, type Refusal } from "../delivery/document.ts";
import { beginDelivery, type PushDeps, BODY_BYTES_MAX } from "./deliver.ts";
import { tokenRoute, type TokenRule } from "./token-access.ts";

const ERRORS_MAX = 100;
const JSON_TYPES = ["application/json"];
const NDJSON_TYPES = ["application/x-ndjson", "application/ndjson", "application/jsonl"];
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

const Query = z.strictObject({
  dataset: z.string().regex(DATASET, { error: DATASET_HINT }).optional(),
});
const Params = z.object({
  stream: z.string().regex(/^[^\p{C}]{1,200}$/u, {
    error: "give a name of at most 200 printable characters",
  }),
});

const Answer = z.strictObject({
  accepted: z.int(),
  rejected: z.int(),
  errors: z.array(z.strictObject({ line: z.int(), code: z.string(), message: z.string() })),
});

/** JSON, NDJSON and lines of any log, for senders without a protocol of their own, such as curl. */
export const eventRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  tokenRoute({
    ...ABOUT,
    path: "/push",
    operationId: "pushEvents",
    handle: (call) => push(deps, call, { stream: "", dataset: call.query.dataset }),
  }),
  tokenRoute({
    ...ABOUT,
    path: "/push/{stream}",
    operationId: "pushStream",
    params: Params,
    handle: (call) => {
      const { params, query } = call;
      return push(deps, call, { stream: params.stream, dataset: query.dataset });
    },
  }),
];

const ABOUT = {
  method: "POST",
  tag: "Push",
  summary: "Accepts events and log lines",
  description: `JSON (an event or a list of events), NDJSON, or the lines of any log, whose format is detected for each stream. The content type decides; without one of these, the first character. At most ${BODY_BYTES_MAX} bytes, compressed with gzip, deflate or zstd or not. The response is sent once the events are on disk.`,
  rule: { allow: "token" },
  query: Query,
  consumes: [...JSON_TYPES, ...NDJSON_TYPES, "text/plain"],
  responses: { 202: { description: "Accepted, except the events listed", body: Answer } },
} as const;

type Call = Parameters<typeof beginDelivery>[2];
type Refused = Refusal & { line: number };

async function push(deps: PushDeps, call: Call, names: Names) {
  using received = await beginDelivery(deps, "http", call);
  const { body, delivery } = received;
  const kind = kindOf(call.incoming, body);
  const added = kind === "json" ? jsonDocuments(body) : eachOf(body);
  const { accepted, refused } =
    kind === "lines" ? addLines(delivery, body, names) : addDocuments(delivery, added, names);
  const [first] = refused;
  if (accepted === 0 && first) {
    const code = first.code === "forbidden" ? "forbidden" : "bad_request";
    await delivery.send();
    throw new AppError(code, `line ${first.line}: ${first.message}`);
  }
  await delivery.send();
  const errors = refused.slice(0, ERRORS_MAX);
  return { status: 202 as const, body: { accepted, rejected: refused.length, errors } };
}

type Kind = "json" | "ndjson" | "lines";

function kindOf(incoming: IncomingMessage, body: Buffer): Kind {
  const type = mediaTypeOf(incoming);
  if (JSON_TYPES.includes(type)) return "json";
  if (NDJSON_TYPES.includes(type)) return "ndjson";
  if (type.startsWith("text/")) return "lines";
  const first = body.find((byte) => byte > 0x20);
  if (first === OPEN_BRACKET) return "json";
  return first === OPEN_BRACE ? "ndjson" : "lines";
}

function* eachOf(body: Buffer): Generator<{ line: number; bytes: Uint8Array }> {
  let line = 0;
  for (let start = 0; start < body.length;) {
    const found = body.indexOf(0x0a, start);
    const end = found < 0 ? body.length : found;
    line += 1;
    const bytes = trimmed(body.subarray(start, end));
    if (bytes.length > 0) yield { line, bytes };
    start = end + 1;
  }
}

/** Without the white space of JSON around it. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;

/** The object, or those of the list, each on a line of its own. @throws AppError bad_request */
function* jsonDocuments(body: Buffer): Generator<{ line: number; bytes: Uint8Array }> {
  checkObjectCount(body);
  if (!isShallow(body, 0, body.length)) {
    throw new AppError("bad_request", `The body is nested deeper than ${DEPTH_MAX} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "";
    throw new AppError("bad_request", `The body is not JSON: ${why}`, { cause: error });
  }
  let line = 0;
  for (const item of Array.isArray(value) ? value : [value]) {
    line += 1;
    yield { line, bytes: Buffer.from(JSON.stringify(item)) };
  }
}

function addDocuments(
  delivery: Delivery,
  documents: Iterable<{ line: number; bytes: Uint8Array }>,
  names: Names,
): { accepted: number; refused: Refused[] } {
  const refused: Refused[] = [];
  let accepted = 0;
  for (const { line, bytes } of documents) {
    const judged = judgeDocument(bytes);
    const refusal = judged.ok
      ? delivery.addDocument(bytes, judged.fields, names)
      : delivery.refuse(judged.refusal);
    if (refusal && refusal !== "repeated") refused.push({ line, ...refusal });
    else accepted += 1;
  }
  return { accepted, refused };
}

function addLines(
  delivery: Delivery,
  body: Buffer,
  names: Names,
): { accepted: number; refused: Refused[] } {
  let lines = 0;
  eachLine({ bytes: body }, () => {
    lines += 1;
  });
  if (lines === 0) return { accepted: 0, refused: [] };
  const refusal = delivery.addLines({ text: body, count: lines }, names);
  return refusal
    ? { accepted: 0, refused: [{ line: 1, ...refusal }] }
    : { accepted: lines, refused: [] };
}
