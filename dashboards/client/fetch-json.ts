import type { z } from "zod";

import { Problem } from "../api.ts";

/** A failed request, with the server's problem details (RFC 9457). */
class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** Fetches JSON and parses it with its schema. Every failure except an abort rejects with a ProblemError. */
export async function fetchJson<T>(
  schema: z.ZodType<T>,
  url: string,
  init?: RequestInit,
): Promise<T> {
  const response = await send(url, init);
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw failure(
    "The response cannot be read",
    `${url}: ${issue?.path.join(".")} ${issue?.message}`,
  );
}

/** Sends a request and checks its status. */
export async function send(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, { credentials: "same-origin", ...init }).catch(
    (error: unknown) => {
      if (init?.signal?.aborted) throw error;
      throw failure(
        "Quarterdeck does not answer",
        "Is it still running? Retrying every few seconds.",
      );
    },
  );
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = Problem.safeParse(body);
  throw parsed.success
    ? new ProblemError(parsed.data)
    : failure(`The server answered ${response.status}`, response.statusText, response.status);
}

export function jsonBody(method: string, body: unknown): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return failure("Something went wrong in this page", detail).problem;
}

function failure(title: string, detail: string, status = 0): ProblemError {
  return new ProblemError({ type: "about:blank", title, status, detail });
}
