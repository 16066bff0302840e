import { z } from "zod";

import { record } from "#access/audit.ts";
import { type MemberRule, memberRoute } from "#access/route.ts";
import { RereadAnswer } from "#dashboards/sources/reprocessing-messages.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import type { ControlSettings } from "../settings.ts";
import { formatNames } from "../sources/check-entry.ts";
import type { Reprocessing } from "../sources/reprocessing.ts";
import { MANAGE_SOURCES } from "./sources.ts";

type RereadDeps = {
  settings: Pick<ControlSettings, "dataFolder">;
  reprocessing: Reprocessing;
  clock: Clock;
};

/** Reading all stored lines of a source again: the same as `quarterdeck reprocess --source`. */
export const rereadRoutes = (deps: RereadDeps): Route<MemberRule>[] => [state(deps), start(deps)];

const state = ({ settings, reprocessing }: RereadDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/sources/reread",
    operationId: "getReread",
    tag: "Sources",
    summary: "Returns the progress and the result of reading stored lines again",
    rule: MANAGE_SOURCES,
    responses: { 200: { description: "The state", body: RereadAnswer } },
    async handle() {
      const formats = await formatNames(settings.dataFolder);
      return { status: 200, body: { reprocessing: reprocessing.state(), formats } };
    },
  });

const start = ({ settings, reprocessing, clock }: RereadDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/sources/reread",
    operationId: "rereadSource",
    tag: "Sources",
    summary: "Reads all stored lines of a source again with the formats of now",
    description:
      "Each event is replaced in its place, with its id; what cannot be read again is left as it is. GET /api/sources/reread has the progress and the result.",
    rule: MANAGE_SOURCES,
    body: z.strictObject({
      source: z.string().min(1).max(4_096).describe("A source, or the path of files."),
      format: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .describe(
          "Default: the one that is chosen for the source or the path, otherwise the one that has read the line.",
        ),
      from: z.string().max(64).optional().describe("Only lines since then, e.g. now-2h"),
    }),
    responses: { 202: { description: "They are being read again", body: z.strictObject({}) } },
    async handle({ body, caller, nowMs, database }) {
      const { source, format, from } = body;
      await mustExist(format, settings.dataFolder);
      if (from !== undefined) parseInstant(from, "from", clock.nowMs());
      reprocessing.start({ sources: [source], format, from });
      const who = { atMs: nowMs, actor: caller.id, address: caller.address };
      await record(database, {
        action: "source.reread",
        target: source,
        after: { format, from },
        ...who,
      });
      return { status: 202, body: {} };
    },
  });

/** @throws AppError bad_request if there is no such format */
export async function mustExist(format: string | undefined, dataFolder: string): Promise<void> {
  if (format === undefined || (await formatNames(dataFolder)).includes(format)) return;
  const message = `there is no format ${format}`;
  const fields = [{ path: "body.format", code: "invalid", message } as const];
  throw new AppError("bad_request", message, { fields });
}
