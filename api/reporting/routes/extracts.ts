import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery, isoOrNull } from "#platform/http/schema.ts";

import { SOURCES } from "../domain/facts.ts";
import { listExtracts } from "../repositories/extracts-store.ts";
import { EXTRACTS_READ } from "./access.ts";
import { Moment, pageOfAll } from "./wire.ts";

const Extract = z
  .strictObject({
    source: z.enum(SOURCES),
    cursor: z.string().nullable().describe("Position to continue from."),
    dataUntil: Moment.nullable().describe("Data before this time is complete in the lake."),
    lagS: z.number().nullable().describe("Age of dataUntil in seconds."),
    readAt: Moment.nullable(),
    facts: z.int().describe("Facts stored so far."),
    rejected: z.int().describe("Invalid events that should have been facts."),
    lastRejected: z.string().nullable(),
    lastError: z.string().nullable().describe("Why the source cannot be read at the moment."),
    lastErrorAt: Moment.nullable(),
  })
  .meta({ id: "Extract" });

/** For operators: the progress of extracts from other services. */
export const extractsRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/extracts",
    operationId: "listExtracts",
    tag: "Extracts",
    summary: "Lists the progress and errors of each source",
    rule: { allow: "permission", permission: EXTRACTS_READ },
    query: pageQuery({}),
    reads: "replica",
    responses: { 200: { description: "A page with one item per source", body: pageOf(Extract) } },
    async handle({ read, nowMs, query }) {
      const items = (await listExtracts(read)).map((it) => {
        const { dataUntilMs, readAtMs, lastErrorAtMs, ...rest } = it;
        return {
          ...rest,
          dataUntil: isoOrNull(dataUntilMs),
          lagS: dataUntilMs === null ? null : Math.max(0, nowMs - dataUntilMs) / 1_000,
          readAt: isoOrNull(readAtMs),
          lastErrorAt: isoOrNull(lastErrorAtMs),
        };
      });
      return { status: 200, body: pageOfAll(items, query, ({ source }) => source) };
    },
  });
