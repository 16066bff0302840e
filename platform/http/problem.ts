import { randomUUID } from "node:crypto";

import { z } from "zod";

import { AppError, type ErrorCode, type FieldError } from "../errors.ts";
import type { Log } from "../log.ts";

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

/** RFC 9457 problem details, with the fields that are to blame. */
export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: readonly FieldError[];
};

/**
 * Any error as a problem: an AppError shows its message, a ZodError lists its fields, anything else is a 500 that says
 * nothing here and everything in the log. `instance` is the id under which the log has it.
 */
export function problemOf(error: unknown, log: Log): ProblemBody {
  const instance = `urn:uuid:${randomUUID()}`;
  const base = { type: "about:blank", instance };
  if (error instanceof AppError) {
    const { status, title } = STATUS[error.code];
    log.info("a request was refused", { instance, status, reason: error.message });
    const errors = error.fields.length > 0 ? { errors: error.fields } : {};
    return { ...base, title, status, detail: error.message, ...errors };
  }
  if (error instanceof z.ZodError) {
    const errors = error.issues.map((issue) => ({
      path: issue.path.map(String).join("."),
      code: issue.code,
      message: issue.message,
    }));
    const fields = errors.map((it) => (it.path === "" ? it.message : `${it.path}: ${it.message}`));
    log.info("a request was refused", { instance, status: 400, reason: fields.join("; ") });
    return { ...base, title: "Bad Request", status: 400, detail: fields.join("; "), errors };
  }
  log.error("a request failed", { instance, error });
  const detail = "Something broke on our side. The log of Quarterdeck has it under this instance.";
  return { ...base, title: "Internal Server Error", status: 500, detail };
}

/** What goes with a problem: its media type, and when to try again. */
export function problemHeaders(error: unknown): Record<string, string> {
  const waitMs = error instanceof AppError ? error.waitMs : undefined;
  return {
    ...(waitMs === undefined ? {} : { "retry-after": String(Math.ceil(waitMs / 1_000)) }),
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
}

/** The problem as a response. */
export function problemResponse(error: unknown, log: Log): Response {
  const body = problemOf(error, log);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: problemHeaders(error),
  });
}
