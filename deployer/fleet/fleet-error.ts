import { AppError, type ErrorCode } from "#platform/errors.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  AccessDeniedException: "forbidden",
  ClusterNotFoundException: "not_found",
  ConflictException: "conflict",
  ServiceNotActiveException: "conflict",
  ServiceNotFoundException: "not_found",
  ThrottlingException: "too_many_requests",
  ClientException: "bad_request",
  InvalidParameterException: "bad_request",
  UnsupportedFeatureException: "bad_request",
};

/** An error of Amazon ECS, or on the way to it, as one that people understand. Decided by its name, never by its text. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "AbortError" || name === "TimeoutError") {
    return new AppError("unavailable", "The fleet did not answer in time.", { cause: error });
  }
  const code = CODES[name] ?? "unavailable";
  return new AppError(code, `The fleet answered ${name}: ${message}`, { cause: error });
}

/** A one-off task for which there was no room. */
export const noPlace = (reasons: readonly string[]): AppError =>
  new AppError("unavailable", `The fleet has no room for the task (${reasons.join(", ")}).`);
