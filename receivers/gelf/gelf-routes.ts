import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import { beginDelivery, type PushDeps } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { gelfDocument } from "./gelf-document.ts";

/** GELF over HTTP: a message in each request, as Graylog accepts it. */
export const gelfRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  tokenRoute({
    method: "POST",
    path: "/gelf",
    operationId: "pushGelf",
    tag: "GELF",
    summary: "Accepts a message in GELF",
    description: "The message is on disk when the response is sent.",
    rule: { allow: "token" },
    query: z.unknown(),
    consumes: ["application/json"],
    responses: { 202: { description: "Kept" } },
    async handle(call) {
      using received = await beginDelivery(deps, "gelf", call);
      const { body, delivery } = received;
      const read = gelfDocument(body);
      if ("reason" in read) throw new AppError("bad_request", read.reason);
      const { document } = read;
      const line = Buffer.from(JSON.stringify(document));
      delivery.addDocument(line, document, { stream: "", unread: "gelf" });
      delivery.requireAll();
      await delivery.send();
      return { status: 202 };
    },
  }),
];
