import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { AppError } from "#platform/errors.ts";
import { type OriginRules, checkOrigin } from "#platform/http/same-origin.ts";
import { createNonce, pageHeaders } from "#platform/http/security-headers.ts";
import type { Log } from "#platform/log.ts";

import type { Pages } from "./pages.ts";

/** Pages and files for people who are not signed in. */
const OPEN_PATH = /^\/(?:sign-in|setup|_next\/.*|favicon\.ico|icon\.svg)$/;

export type PageHandlerDeps = {
  pages: Pages;
  origins: OriginRules;
  /** Whether a member is signed in. */
  isMember(request: IncomingMessage): Promise<boolean>;
  /** Whether the first owner has not been created yet. */
  isSetupOpen(): Promise<boolean>;
  log: Log;
};

/** Serves the pages: for members only, except the open ones, and with a new nonce for each response. */
export function pageHandler(deps: PageHandlerDeps): RequestListener {
  return (request, response) => {
    servePage(deps, request, response).catch((error: unknown) => {
      deps.log.error("a page failed", { error, "url.path": request.url });
      const known = error instanceof AppError && error.code === "unavailable";
      const text = known ? error.message : "This page failed. See the log of Quarterdeck.";
      if (response.headersSent) response.end();
      else sendText(response, known ? 503 : 500, text);
    });
  };
}

async function servePage(
  deps: PageHandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    checkOrigin({ method: "GET", headers: request.headers }, deps.origins);
  } catch (error) {
    sendText(response, 403, error instanceof Error ? error.message : "refused");
    return;
  }
  // Pages are read-only: changes go through the API.
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    sendText(response, 405, "Pages accept only GET and HEAD.");
    return;
  }
  const { url = "/" } = request;
  const { pathname } = new URL(`http://localhost${url}`);
  if (!OPEN_PATH.test(pathname) && !(await deps.isMember(request))) {
    const next = pathname === "/" ? "" : `?next=${encodeURIComponent(url)}`;
    const to = (await deps.isSetupOpen()) ? "/setup" : `/sign-in${next}`;
    response.writeHead(302, { location: to, "cache-control": "no-store" }).end();
    return;
  }
  const headers = pageHeaders(createNonce());
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Next reads the nonce for its scripts from this header.
  request.headers["content-security-policy"] = headers["content-security-policy"] ?? "";
  await deps.pages.handle(request, response);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
