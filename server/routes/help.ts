import { readFile } from "node:fs/promises";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { SearchHelp } from "#dashboards/api.ts";
import type { Route } from "#platform/http/route.ts";

import { WATCH_BOARD } from "./board.ts";

const DESCRIPTION = new URL("../../docs/search.md", import.meta.url);

/** The description of the query language, for the help of the pages. */
export const helpRoutes: readonly Route<MemberRule>[] = [
  memberRoute({
    method: "GET",
    path: "/api/help/search",
    operationId: "getSearchHelp",
    tag: "Events",
    summary: "Returns the description of the query language as Markdown",
    rule: WATCH_BOARD,
    compress: true,
    responses: { 200: { description: "The description", body: SearchHelp } },
    async handle() {
      return { status: 200, body: { markdown: await readFile(DESCRIPTION, "utf8") } };
    },
  }),
];
