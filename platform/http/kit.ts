import { type Context, Hono } from "hono";

import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import { problemResponse } from "./problem.ts";
import { type OriginRules, checkOrigin } from "./same-origin.ts";
import { dataHeaders } from "./security-headers.ts";

/**
 * A Hono app with what every API of ours has: origin check, headers, problems for errors and for paths that are not
 * there. Rooms mount their routes on it.
 */
export function createApi(deps: { log: Log; origins: OriginRules }): Hono {
  const api = new Hono();
  api.use(async (context, next) => {
    checkOrigin({ method: context.req.method, headers: context.req.raw.headers }, deps.origins);
    await next();
    for (const [name, value] of Object.entries(dataHeaders())) context.res.headers.set(name, value);
  });
  api.onError((error, context) =>
    withHeaders(problemResponse(error, forRequest(deps.log, context))),
  );
  api.notFound((context) =>
    withHeaders(
      problemResponse(
        new AppError("not_found", `There is nothing at ${context.req.method} ${context.req.path}.`),
        forRequest(deps.log, context),
      ),
    ),
  );
  return api;
}

const forRequest = (log: Log, context: Context): Log =>
  log.child({ "http.request.method": context.req.method, "url.path": context.req.path });

function withHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(dataHeaders())) response.headers.set(name, value);
  return response;
}
