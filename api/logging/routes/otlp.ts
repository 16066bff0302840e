import {
  exportRefusal,
  exportResponse,
  ExportResponse,
  OTLP_TYPES,
  readExportRequest,
} from "#pipeline/otlp/exchange.ts";
import { mediaType, readBody } from "#platform/http/encoded-body.ts";
import { type Route, route } from "#platform/http/route.ts";

import { acceptOtlp } from "../commands/accept-logs.ts";
import type { Deps } from "../commands/deps.ts";
import { WRITE } from "../commands/read-scope.ts";

const BODY_BYTES_MAX = 5 * 1024 * 1024;

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
    consumes: OTLP_TYPES,
    bodyBytesMax: BODY_BYTES_MAX,
    refusal: exportRefusal,
    responses: {
      200: { description: "Accepted, except what partialSuccess reports", body: ExportResponse },
    },
    async handle({ caller, nowMs, incoming }) {
      const type = mediaType(incoming, OTLP_TYPES);
      const request = readExportRequest(await readBody(incoming, BODY_BYTES_MAX), type);
      const { refused } = await acceptOtlp(deps, request, { caller, nowMs });
      return exportResponse(type, refused);
    },
  });
