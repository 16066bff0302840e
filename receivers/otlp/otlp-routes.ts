import { z } from "zod";

import { documentsOf } from "#pipeline/otlp/documents.ts";
import {
  exportRefusal,
  exportResponse,
  ExportResponse,
  OTLP_TYPES,
  PROTOBUF_TYPE,
  readExportRequest,
} from "#pipeline/otlp/exchange.ts";
import { mediaType } from "#platform/http/encoded-body.ts";
import type { Route } from "#platform/http/route.ts";

import { beginDelivery, type PushDeps } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { addProtobuf } from "./add-protobuf.ts";
import { AddedRecords } from "./added-records.ts";

/** OTLP/HTTP 1.x for logs, at the path that exporters add to the address. */
export const otlpRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  tokenRoute({
    method: "POST",
    path: "/v1/logs",
    operationId: "exportLogs",
    tag: "OpenTelemetry",
    summary: "Accepts logs in the OpenTelemetry protocol",
    description:
      "JSON or protobuf. Attributes become ECS fields. A text body is read like a line of a file; a record with another body is kept as JSON in event.original. The dataset is the attribute data_stream.dataset or event.dataset, otherwise that of the format of the body, otherwise the service's name followed by .otlp. A record with log.record.uid that is sent again is kept once.",
    rule: { allow: "token" },
    query: z.unknown(),
    consumes: OTLP_TYPES,
    refusal: exportRefusal,
    responses: {
      200: { description: "Accepted, except what partialSuccess reports", body: ExportResponse },
    },
    async handle(call) {
      const type = mediaType(call.incoming, OTLP_TYPES);
      using received = await beginDelivery(deps, "otlp", call);
      const { body, delivery } = received;
      const records = new AddedRecords(delivery);
      if (type === PROTOBUF_TYPE) await addProtobuf(records, body);
      else for (const record of documentsOf(readExportRequest(body, type))) records.add(record);
      await delivery.send();
      return exportResponse(type, records.refused);
    },
  }),
];
