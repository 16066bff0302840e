import { z } from "zod";

import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { AppError } from "#platform/errors.ts";
import { mediaType, mediaTypeOf, readBody } from "#platform/http/encoded-body.ts";
import { invalid } from "#platform/http/invalid-input.ts";
import { type Route, route } from "#platform/http/route.ts";

import { type Accepted, acceptOtlp } from "../commands/accept-logs.ts";
import type { Deps } from "../commands/deps.ts";
import { WRITE } from "../commands/read-scope.ts";
import {
  decodeRequest,
  encodeResponse,
  encodeStatus,
  ExportRequest,
  type PartialSuccess,
  withoutNulls,
} from "../domain/otlp-messages.ts";

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";
const BODY_BYTES_MAX = 5 * 1024 * 1024;
const REASONS_MAX = 5;

const ExportResponse = z.strictObject({
  partialSuccess: z
    .strictObject({ rejectedLogRecords: z.string(), errorMessage: z.string() })
    .optional(),
});

/** OTLP/HTTP 1.x for logs. */
export const otlpRoute = (deps: Deps): Route =>
  route({
    method: "POST",
    path: "/otlp/v1/logs",
    operationId: "exportLogs",
    tag: "Push",
    summary: "Accepts logs in the OpenTelemetry protocol",
    description:
      "OTLP/HTTP with JSON or protobuf, gzipped or not; point an exporter at …/otlp. Attributes become ECS fields, and the record as JSON is kept as event.original, unless log.record.original is set. The dataset is the attribute data_stream.dataset or event.dataset, else the service's name followed by .otlp. Refused records are counted in partialSuccess. Errors are problem+json, for protobuf a google.rpc.Status; 429 and 503 carry Retry-After.",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    consumes: [JSON_TYPE, PROTOBUF_TYPE],
    bodyBytesMax: BODY_BYTES_MAX,
    refusal: ({ detail }, incoming) =>
      mediaTypeOf(incoming) === PROTOBUF_TYPE
        ? { media: PROTOBUF_TYPE, bytes: encodeStatus(detail) }
        : undefined,
    responses: {
      200: { description: "Accepted, except what partialSuccess reports", body: ExportResponse },
    },
    async handle({ caller, nowMs, incoming }) {
      const type = mediaType(incoming, [JSON_TYPE, PROTOBUF_TYPE]);
      const bytes = await readBody(incoming, BODY_BYTES_MAX);
      const request = requestIn(bytes, type);
      const partialSuccess = partialOf(await acceptOtlp(deps, request, { caller, nowMs }));
      if (type === JSON_TYPE) {
        return { status: 200, body: partialSuccess ? { partialSuccess } : {} };
      }
      const response = Buffer.from(encodeResponse(partialSuccess));
      return new Response(response, { status: 200, headers: { "content-type": PROTOBUF_TYPE } });
    },
  });

function requestIn(bytes: Buffer, type: string): ExportRequest {
  const message = type === JSON_TYPE ? jsonIn(bytes) : protobufIn(bytes);
  const parsed = ExportRequest.safeParse(message);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => ({
      path: ["body", ...issue.path.map(String)].join("."),
      code: issue.code ?? "invalid",
      message: issue.message,
    })),
  );
}

function jsonIn(bytes: Buffer): unknown {
  const start = bytes.findIndex((byte) => byte > 0x20);
  const parsed = parseJsonLine(bytes, Math.max(start, 0), bytes.length);
  if ("object" in parsed) return withoutNulls(parsed.object);
  throw new AppError("bad_request", `body: ${parsed.reason}`);
}

function protobufIn(bytes: Buffer): unknown {
  try {
    return decodeRequest(bytes);
  } catch (error) {
    throw new AppError("bad_request", "The body is not an ExportLogsServiceRequest.", {
      cause: error,
    });
  }
}

function partialOf({ refused }: Accepted): PartialSuccess | undefined {
  if (refused.length === 0) return undefined;
  const reasons = refused
    .slice(0, REASONS_MAX)
    .map(
      ({ line, field, message }) => `record ${line}: ${field === "" ? "" : `${field}: `}${message}`,
    );
  return { rejectedLogRecords: String(refused.length), errorMessage: reasons.join("; ") };
}
