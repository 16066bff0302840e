import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { AppError } from "#platform/errors.ts";
import { checkObjectCount } from "#platform/http/bounded-json.ts";
import { mediaTypeOf } from "#platform/http/encoded-body.ts";
import { invalid } from "#platform/http/invalid-input.ts";

import {
  decodeRequest,
  encodeResponse,
  encodeStatus,
  ExportRequest,
  type PartialSuccess,
  withoutNulls,
} from "./messages.ts";

const JSON_TYPE = "application/json";
export const PROTOBUF_TYPE = "application/x-protobuf";
export const OTLP_TYPES = [JSON_TYPE, PROTOBUF_TYPE];
const REASONS_MAX = 5;

/** The JSON of a response to an export. */
export const ExportResponse = z.strictObject({
  partialSuccess: z
    .strictObject({ rejectedLogRecords: z.string(), errorMessage: z.string() })
    .optional(),
});

/** A record that was refused: its number in the request, from 1. */
type RefusedRecord = { line: number; field?: string; message: string };

/**
 * The request in the body, by its media type.
 * @throws AppError bad_request that names the invalid fields, too_large if it has too many
 */
export function readExportRequest(bytes: Buffer, type: string): ExportRequest {
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
  checkObjectCount(bytes);
  const start = bytes.findIndex((byte) => byte > 0x20);
  const parsed = parseJsonLine(bytes, Math.max(start, 0), bytes.length);
  if ("object" in parsed) return withoutNulls(parsed.object);
  throw new AppError("bad_request", `body: ${parsed.reason}`);
}

function protobufIn(bytes: Buffer): unknown {
  try {
    return decodeRequest(bytes);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("bad_request", "The body is not an ExportLogsServiceRequest.", {
      cause: error,
    });
  }
}

/** The response to an export, in the media type of the request. */
export function exportResponse(type: string, refused: readonly RefusedRecord[]) {
  const partialSuccess = partialOf(refused);
  if (type === JSON_TYPE) {
    return { status: 200 as const, body: partialSuccess ? { partialSuccess } : {} };
  }
  const response = Buffer.from(encodeResponse(partialSuccess));
  return new Response(response, { status: 200, headers: { "content-type": PROTOBUF_TYPE } });
}

function partialOf(refused: readonly RefusedRecord[]): PartialSuccess | undefined {
  if (refused.length === 0) return undefined;
  const reasons = refused
    .slice(0, REASONS_MAX)
    .map(({ line, field, message }) => `record ${line}: ${field ? `${field}: ` : ""}${message}`);
  return { rejectedLogRecords: String(refused.length), errorMessage: reasons.join("; ") };
}

/** A rejection as exporters read it: problem details for JSON, a google.rpc.Status for protobuf. */
export const exportRefusal = ({ detail }: { detail: string }, incoming: IncomingMessage) =>
  mediaTypeOf(incoming) === PROTOBUF_TYPE
    ? { media: PROTOBUF_TYPE, bytes: encodeStatus(detail) }
    : undefined;
