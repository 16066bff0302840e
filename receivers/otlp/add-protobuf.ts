import { documentsOf } from "#pipeline/otlp/documents.ts";
import { PROTOBUF_TYPE, readExportRequest } from "#pipeline/otlp/exchange.ts";
import { Slices } from "#platform/slices.ts";

import type { AddedRecords } from "./added-records.ts";
import {
  decodeResource,
  decodeScope,
  LOG_RECORD,
  RESOURCE,
  RESOURCE_LOGS,
  SCOPE,
  SCOPE_LOGS,
} from "./decode.ts";
import { RecordText } from "./record-text.ts";
import { ScopeRecords } from "./scope-records.ts";
import { type Field, MessageFields } from "./wire.ts";

/** Schema URLs, which are not used. */
const SCHEMA_URL = 3;
/** Resources and scopes, each of which is decoded on its own, which takes longer than decoding the request. */
const PARTS_MAX = 4_096;

/**
 * Adds the log records of a request in protobuf, in slices between which other requests are handled. The documents are those of the
 * decoded request, byte for byte (docs/adr/0023-otlp-without-objects.md).
 * @throws AppError bad_request, too_large
 */
export async function addProtobuf(records: AddedRecords, body: Buffer): Promise<void> {
  if (!isUsual(body)) {
    for (const it of documentsOf(readExportRequest(body, PROTOBUF_TYPE))) records.add(it);
    return;
  }
  const slices = new Slices();
  const about = { text: new RecordText(body), records, slices };
  const all = new MessageFields(body, { start: 0, end: body.length });
  while (all.next()) await addResourceLogs(about, all);
}

/** Whether the messages of the request have the fields that are known, and no resource or scope is in several parts. */
function isUsual(body: Buffer): boolean {
  let parts = 0;
  const request = new MessageFields(body, { start: 0, end: body.length });
  while (request.next()) {
    if (request.number !== RESOURCE_LOGS) return false;
    const resourceLogs = new MessageFields(body, request);
    let resources = 0;
    parts += 1;
    while (resourceLogs.next()) {
      const { number } = resourceLogs;
      if (number > SCHEMA_URL) return false;
      if (number === RESOURCE) resources += 1;
      if (number !== SCOPE_LOGS) continue;
      parts += 1;
      if (parts > PARTS_MAX || !isUsualScope(body, resourceLogs)) return false;
    }
    if (!resourceLogs.isUsual || resources > 1 || parts > PARTS_MAX) return false;
  }
  return request.isUsual;
}

function isUsualScope(body: Buffer, scopeLogs: Field): boolean {
  const fields = new MessageFields(body, scopeLogs);
  let scopes = 0;
  while (fields.next()) {
    if (fields.number > SCHEMA_URL) return false;
    if (fields.number === SCOPE) scopes += 1;
  }
  return fields.isUsual && scopes <= 1;
}

async function addResourceLogs(
  about: { text: RecordText; records: AddedRecords; slices: Slices },
  resourceLogs: Field,
): Promise<void> {
  const { slices } = about;
  const { body } = about.text;
  const common = decodeResource(valueOf(body, resourceLogs, RESOURCE));
  const fields = new MessageFields(body, resourceLogs);
  while (fields.next()) {
    if (fields.number !== SCOPE_LOGS) continue;
    const logger = decodeScope(valueOf(body, fields, SCOPE));
    let scope: ScopeRecords | undefined;
    const logs = new MessageFields(body, fields);
    while (logs.next()) {
      if (logs.number !== LOG_RECORD) continue;
      if (slices.isOver) await slices.pause();
      scope ??= new ScopeRecords({ common, logger }, about);
      scope.add(logs);
    }
    scope?.end();
  }
}

/** The value of a field of the message; nothing if it has none. */
function valueOf(body: Buffer, message: Field, number: number): Buffer {
  const fields = new MessageFields(body, message);
  while (fields.next()) {
    if (fields.number === number) return body.subarray(fields.start, fields.end);
  }
  return body.subarray(0, 0);
}
