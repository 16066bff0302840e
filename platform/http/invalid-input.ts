import { AppError, type FieldError } from "../errors.ts";

/** A bad request with its invalid fields. */
export function invalid(fields: readonly FieldError[]): AppError {
  const detail = fields.map((it) => `${it.path}: ${it.message}`).join("; ");
  return new AppError("bad_request", detail.slice(0, 2_000), { fields: fields.slice(0, 50) });
}

/** Rejects text with NUL or unpaired surrogates, which neither the database nor the log can store. */
export function checkStrings(value: unknown, path: string): void {
  if (typeof value === "string") {
    if (!value.includes("\0") && value.isWellFormed()) return;
    const message = "text must not contain NUL or invalid Unicode";
    throw invalid([{ path, code: "invalid_text", message }]);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    checkStrings(name, path);
    checkStrings(item, `${path}.${name}`);
  }
}
