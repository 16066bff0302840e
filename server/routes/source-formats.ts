import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { verdictsOn } from "#collectors/verdicts.ts";
import { SourceFormats } from "#dashboards/sources/format-messages.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import type { Workspace } from "../workspace.ts";
import { FOLLOW_EVENTS } from "./events.ts";

type SourceFormatsDeps = { workspace(): Pick<Workspace, "status"> };

/** Why the last line of a source is read in its format, and not in another one. */
export const sourceFormatsRoute = ({ workspace }: SourceFormatsDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/source-formats",
    operationId: "getSourceFormats",
    tag: "Sources",
    summary: "Returns what each format makes of the line that arrived last from an opened source",
    rule: FOLLOW_EVENTS,
    query: z.strictObject({ source: z.string().min(1).max(4_096) }),
    responses: { 200: { description: "The formats", body: SourceFormats } },
    handle({ query }) {
      const last = workspace()
        .status()
        .lastLines.find(({ source }) => source === query.source);
      if (!last) {
        const message = "No line of this source is known now: open it on the page of the sources.";
        throw new AppError("not_found", message);
      }
      const formats = verdictsOn(Buffer.from(last.raw)).map(({ dataset, reason = null }) => ({
        dataset,
        reason,
      }));
      return { status: 200, body: { line: last.raw, formats } };
    },
  });
