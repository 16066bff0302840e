import { fieldsOfResource, fieldsOfScope } from "#pipeline/otlp/documents.ts";
import { PROTOBUF_TYPE, readExportRequest } from "#pipeline/otlp/exchange.ts";
import type { ExportRequest, LogRecord } from "#pipeline/otlp/messages.ts";

import { messageField } from "./wire.ts";

/** In a request, in ResourceLogs and in ScopeLogs. */
export const RESOURCE_LOGS = 1;
export const RESOURCE = 1;
export const SCOPE_LOGS = 2;
export const SCOPE = 1;
export const LOG_RECORD = 2;

/**
 * Parts of a request are decoded as requests that have nothing else, by the library that decodes whole requests: so they are valid
 * if the request is.
 */
const decoded = (resourceLogs: Uint8Array): ExportRequest["resourceLogs"][number] | undefined =>
  readExportRequest(messageField(RESOURCE_LOGS, resourceLogs), PROTOBUF_TYPE).resourceLogs[0];

/** The fields of a resource. @throws AppError */
export const decodeResource = (bytes: Uint8Array): Record<string, unknown> =>
  fieldsOfResource(decoded(messageField(RESOURCE, bytes))?.resource);

/** The fields of a scope. @throws AppError */
export const decodeScope = (bytes: Uint8Array): Record<string, unknown> =>
  fieldsOfScope(decoded(messageField(SCOPE_LOGS, messageField(SCOPE, bytes)))?.scopeLogs[0]?.scope);

/** The log records among the fields of ScopeLogs. @throws AppError */
export const decodeRecords = (scopeLogs: Uint8Array): LogRecord[] =>
  decoded(messageField(SCOPE_LOGS, scopeLogs))?.scopeLogs[0]?.logRecords ?? [];

/** The log record with these fields. @throws AppError */
export const decodeRecord = (bytes: Uint8Array): LogRecord | undefined =>
  decodeRecords(messageField(LOG_RECORD, bytes))[0];
