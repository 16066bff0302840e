import { randomUUID } from "node:crypto";

import { AppError, type ErrorCode, type FieldError } from "../errors.ts";
import type { Log } from "../log.ts";
import { lacksFiles, openFilesMax } from "../open-files.ts";

const STATUS: Record<ErrorCode, { status: number; title: string }> = {
  bad_request: { status: 400, title: "Bad Request" },
  unauthenticated: { status: 401, title: "Unauthorized" },
  forbidden: { status: 403, title: "Forbidden" },
  not_found: { status: 404, title: "Not Found" },
  method_not_allowed: { status: 405, title: "Method Not Allowed" },
  conflict: { status: 409, title: "Conflict" },
  precondition_failed: { status: 412, title: "Precondition Failed" },
  too_large: { status: 413, title: "Content Too Large" },
  unsupported_media_type: { status: 415, title: "Unsupported Media Type" },
  unprocessable: { status: 422, title: "Unprocessable Content" },
  precondition_required: { status: 428, title: "Precondition Required" },
  too_many_requests: { status: 429, title: "Too Many Requests" },
  unavailable: { status: 503, title: "Service Unavailable" },
};

/** The code of the errors that are answered with this status; undefined if there is none. */
export const codeOfStatus = (status: number): ErrorCode | undefined =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of this record are the codes
  (Object.keys(STATUS) as ErrorCode[]).find((code) => STATUS[code].status === status);

/** RFC 9457 problem details, with the invalid fields. */
export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: readonly FieldError[];
};

/**
 * Any error as a problem: an AppError with its message, any other error as a 500 without details, which are in the log
 * under the same `instance`.
 */
export function problemOf(thrown: unknown, log: Log): ProblemBody {
  const error = shownError(thrown);
  if (error instanceof AppError) {
    const errors = error.fields.length > 0 ? { errors: error.fields } : {};
    return { ...refusal({ ...STATUS[error.code], detail: error.message }, log), ...errors };
  }
  const instance = newInstance();
  log.error("a request failed", { instance, error });
  const detail =
    "An internal error occurred. The log of Quarterdeck has the details under this instance.";
  return { type: TYPE, instance, title: "Internal Server Error", status: 500, detail };
}

/** A lack of open files can occur wherever a file or connection is opened, and ends when others are closed. */
function shownError(error: unknown): unknown {
  if (error instanceof AppError || !lacksFiles(error)) return error;
  const message = `Too many files and connections are open (the limit is ${openFilesMax()}): try again, or raise the limit with ulimit -n.`;
  return new AppError("unavailable", message, { cause: error, waitMs: LACK_OF_FILES_MS });
}

/** A rejection as a problem. The log has it under the same `instance`. */
export function refusal(
  { status, title, detail }: Pick<ProblemBody, "status" | "title" | "detail">,
  log: Log,
): ProblemBody {
  const instance = newInstance();
  log.info("a request was refused", { instance, status, reason: detail });
  return { type: TYPE, instance, title, status, detail };
}

const TYPE = "about:blank";
const LACK_OF_FILES_MS = 1_000;
const newInstance = (): string => `urn:uuid:${randomUUID()}`;

/** The headers of a problem: media type and Retry-After. */
export function problemHeaders(error: unknown): Record<string, string> {
  const shown = shownError(error);
  const waitMs = shown instanceof AppError ? shown.waitMs : undefined;
  return {
    ...(waitMs === undefined ? {} : { "retry-after": String(Math.ceil(waitMs / 1_000)) }),
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
}
