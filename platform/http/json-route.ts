import type { Context } from "hono";
import type { z } from "zod";

import { AppError } from "../errors.ts";

export const BODY_BYTES_MAX = 1024 * 1024;

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

/**
 * A route that takes JSON: parse by the schema, call one verb, shape the answer. Errors are thrown and become problems
 * in one place (`problem.ts`). A body may have `BODY_BYTES_MAX` bytes.
 */
export function jsonRoute<Body, Deps>(
  schema: z.ZodType<Body>,
  verb: (body: Body, deps: Deps, context: Context) => Promise<Answer>,
): (deps: Deps) => (context: Context) => Promise<Response> {
  return (deps) => async (context) => {
    const body = schema.parse(await readJson(context.req.raw));
    return jsonAnswer(await verb(body, deps, context));
  };
}

export function jsonAnswer(answer: Answer): Response {
  const headers = { "cache-control": "no-store", ...answer.headers };
  if (answer.body === undefined) return new Response(null, { status: answer.status, headers });
  return new Response(JSON.stringify(answer.body), {
    status: answer.status,
    headers: { ...headers, "content-type": "application/json" },
  });
}

/** The body of a request as JSON; refuses other content types, which a foreign page could send without being asked. */
async function readJson(request: Request): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new AppError("bad_request", "Send JSON, with the header content-type: application/json.");
  }
  const text = await readText(request);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // What the parser says quotes the body, which may hold a password, and this text goes into the log.
    const at = error instanceof Error ? /at position \d+/.exec(error.message)?.[0] : undefined;
    throw new AppError("bad_request", `The body is no JSON${at ? ` (${at})` : ""}.`);
  }
}

async function readText(request: Request): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let text = "";
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > BODY_BYTES_MAX) {
        throw new AppError("bad_request", `The body is larger than ${BODY_BYTES_MAX} bytes.`);
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) {
      throw new AppError("bad_request", "The body is not valid UTF-8.", { cause: error });
    }
    if (error instanceof AppError) throw error;
    // Whoever sent it has gone: no fault of ours, and nobody to read this.
    throw new AppError("bad_request", "The body broke off before its end.", { cause: error });
  }
}
