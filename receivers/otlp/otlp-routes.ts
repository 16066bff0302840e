import { z } from "zod";

import { documentsOf, type OtlpDocument } from "#pipeline/otlp/documents.ts";
import {
  exportRefusal,
  exportResponse,
  ExportResponse,
  OTLP_TYPES,
  readExportRequest,
} from "#pipeline/otlp/exchange.ts";
import { mediaType } from "#platform/http/encoded-body.ts";
import type { Route } from "#platform/http/route.ts";

import type { Delivery } from "../delivery/delivery.ts";
import { beginDelivery, type PushDeps } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";

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
      const refused: { line: number; message: string }[] = [];
      let line = 0;
      for (const record of documentsOf(readExportRequest(body, type))) {
        line += 1;
        const refusal = addRecord(delivery, record);
        if (refusal !== undefined) refused.push({ line, message: refusal });
      }
      await delivery.send();
      return exportResponse(type, refused);
    },
  }),
];

/** Why the record was refused; undefined if it was not. */
function addRecord(
  delivery: Delivery,
  { document, original, dataset, uid, isText }: OtlpDocument,
): string | undefined {
  if (!isText) document["event.original"] ??= original();
  const line = Buffer.from(JSON.stringify(document));
  const identity = uid === undefined ? undefined : { group: "otlp", key: uid };
  const added = delivery.addDocument(line, document, { stream: "", unread: dataset, identity });
  return added === undefined || added === "repeated" ? undefined : added.message;
}
