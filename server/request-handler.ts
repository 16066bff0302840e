import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { AppError } from "#platform/errors.ts";
import { createNonce, pageHeaders } from "#platform/http/security-headers.ts";
import type { Log } from "#platform/log.ts";

import type { Pages } from "./pages.ts";

/** What the API answers; everything else is a page. */
const API_PATH = /^\/(?:api\/|livez$|readyz$|metrics$)/;
/** Sockets that poll: what was attached to the server before this handler answers them. */
const SOCKET_PATH = /^\/socket\//;
/** Pages for people who are not signed in, and what those pages are made of. */
const OPEN_PATH = /^\/(?:sign-in|setup|_next\/.*|favicon\.ico|icon\.svg)$/;

export type RequestHandlerDeps = {
  api: RequestListener;
  pages: Pages;
  /** Throws an error for a request that comes under a foreign name. */
  checkHost(request: IncomingMessage): void;
  /** Whether a member is signed in. */
  isMember(request: IncomingMessage): Promise<boolean>;
  /** Whether the first owner is still to be made. */
  isSetupOpen(): Promise<boolean>;
  log: Log;
};

/** HTTP as a whole: the API before Next gets the request; pages only for members, with a nonce of their own. */
export function requestHandler(deps: RequestHandlerDeps): RequestListener {
  return (request, response) => {
    const pathname = pathOf(request);
    if (pathname === undefined) {
      const text = "Ask for a path on this host, which begins with /.";
      response.writeHead(400, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
      return;
    }
    if (SOCKET_PATH.test(pathname)) return;
    if (API_PATH.test(pathname)) {
      deps.api(request, response);
      return;
    }
    servePage(deps, pathname, { request, response }).catch((error: unknown) => {
      deps.log.error("a page failed", { error, "url.path": pathname });
      const known = error instanceof AppError && error.code === "unavailable";
      if (!response.headersSent) {
        response.writeHead(known ? 503 : 500, { "content-type": "text/plain; charset=utf-8" });
      }
      const text = known ? error.message : "This page failed. The log of Quarterdeck says why.";
      response.end(`${text}\n`);
    });
  };
}

/** Undefined for what only a proxy is asked for (`http://elsewhere/`, `*`): it would name a host past the Host header. */
function pathOf({ url = "/" }: IncomingMessage): string | undefined {
  return url.startsWith("/") ? new URL(`http://localhost${url}`).pathname : undefined;
}

async function servePage(
  deps: RequestHandlerDeps,
  pathname: string,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  try {
    deps.checkHost(request);
  } catch (error) {
    const text = error instanceof Error ? error.message : "refused";
    response.writeHead(403, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
    return;
  }
  // Pages are only ever looked at: what changes something is the API's.
  if (request.method !== "GET" && request.method !== "HEAD") {
    const headers = { allow: "GET, HEAD", "content-type": "text/plain; charset=utf-8" };
    response.writeHead(405, headers).end("This is a page: it can only be looked at.\n");
    return;
  }
  if (!OPEN_PATH.test(pathname) && !(await deps.isMember(request))) {
    const next = pathname === "/" ? "" : `?next=${encodeURIComponent(request.url ?? "/")}`;
    const to = (await deps.isSetupOpen()) ? "/setup" : `/sign-in${next}`;
    response.writeHead(302, { location: to, "cache-control": "no-store" }).end();
    return;
  }
  const headers = pageHeaders(createNonce());
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Next takes the nonce for its own scripts from here.
  request.headers["content-security-policy"] = headers["content-security-policy"] ?? "";
  await deps.pages.handle(request, response);
}
