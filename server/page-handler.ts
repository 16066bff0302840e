import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import type { ShownProblem } from "#dashboards/api.ts";
import { PROBLEMS_HEADER, toHeader } from "#dashboards/problems/page-header.ts";
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
  /** The present problems as the member may see them. */
  problemsFor(request: IncomingMessage): Promise<ShownProblem[]>;
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
  if (isRefused(request, response, deps.origins)) return;
  const { url = "/" } = request;
  const { pathname } = new URL(`http://localhost${url}`);
  const isOpen = OPEN_PATH.test(pathname);
  if (!isOpen && !(await deps.isMember(request))) {
    const next = pathname === "/" ? "" : `?next=${encodeURIComponent(url)}`;
    const to = (await deps.isSetupOpen()) ? "/setup" : `/sign-in${next}`;
    response.writeHead(302, { location: to, "cache-control": "no-store" }).end();
    return;
  }
  const headers = pageHeaders(createNonce());
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Next reads the nonce for its scripts from this header.
  request.headers["content-security-policy"] = headers["content-security-policy"] ?? "";
  request.headers[PROBLEMS_HEADER] = isOpen ? "" : toHeader(await deps.problemsFor(request));
  await deps.pages.handle(request, response);
}

/** Whether the request was refused with a response. */
function isRefused(
  request: IncomingMessage,
  response: ServerResponse,
  origins: OriginRules,
): boolean {
  try {
    checkOrigin({ method: "GET", headers: request.headers }, origins);
  } catch (error) {
    sendText(response, 403, error instanceof Error ? error.message : "refused");
    return true;
  }
  if (request.method === "GET" || request.method === "HEAD") return false;
  // Pages are read-only: changes go through the API.
  response.setHeader("allow", "GET, HEAD");
  sendText(response, 405, "Pages accept only GET and HEAD.");
  return true;
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
