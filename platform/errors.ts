export type ErrorCode =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_many_requests"
  | "unavailable";

/** An error whose message is meant for the person who caused it: it names the thing and says what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, publicMessage: string, options?: ErrorOptions) {
    super(publicMessage, options);
    this.name = "AppError";
    this.code = code;
  }
}

export function assertNever(value: never): never {
  throw new Error(`a case is missing: ${JSON.stringify(value)}`);
}
