export type ErrorCode =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "precondition_failed"
  | "too_large"
  | "unsupported_media_type"
  | "unprocessable"
  | "precondition_required"
  | "too_many_requests"
  | "unavailable";

/** A mistake in one field of the input: `path` with dots (`lines.0.amount`), `code` for programs. */
export type FieldError = { path: string; code: string; message: string };

/** An error whose message is shown to the user: it names the cause and what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** The invalid fields, if any. */
  readonly fields: readonly FieldError[];
  /** Time to wait before a retry; sent as Retry-After. */
  readonly waitMs: number | undefined;

  constructor(
    code: ErrorCode,
    publicMessage: string,
    options: ErrorOptions & { fields?: readonly FieldError[]; waitMs?: number } = {},
  ) {
    super(publicMessage, options);
    this.name = "AppError";
    this.code = code;
    this.fields = options.fields ?? [];
    this.waitMs = options.waitMs;
  }
}

export function assertNever(value: never): never {
  throw new Error(`a case is missing: ${JSON.stringify(value)}`);
}

/** The code of an error of the operating system, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
