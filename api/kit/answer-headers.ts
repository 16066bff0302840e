import { dataHeaders } from "#platform/http/security-headers.ts";

type HeaderRecord = Readonly<Record<string, string>>;

/** Headers of every answer, put together once. */
export type AnswerHeaders = { plain: HeaderRecord; json: HeaderRecord };

export function answerHeaders(more: HeaderRecord): AnswerHeaders {
  const plain = { ...dataHeaders(), "cache-control": "no-store", ...more };
  return { plain, json: { ...plain, "content-type": "application/json" } };
}

/** The shared ones as they are where a handler adds none. */
export const withOwn = (shared: HeaderRecord, own: HeaderRecord | undefined): HeaderRecord =>
  own === undefined ? shared : { ...shared, ...own };

/** An answer that a handler made itself, with the headers that it did not set. */
export function withHeaders(response: Response, { plain }: AnswerHeaders): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(plain)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return new Response(response.body, { status: response.status, headers });
}
