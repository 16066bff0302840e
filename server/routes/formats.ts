import { z } from "zod";

import { record } from "#access/audit.ts";
import { type MemberCaller, type MemberRule, memberRoute } from "#access/route.ts";
import {
  FormatEntry,
  FormatName,
  formatsFileIn,
  mistakeText,
  readFormats,
  removeFormat,
  saveFormat,
} from "#collectors/user-formats/formats-file.ts";
import { GROK_PATTERNS } from "#collectors/user-formats/grok-patterns.ts";
import { zoneOf } from "#collectors/zone.ts";
import {
  FormatsAnswer,
  FormatTrial,
  TrialAnswer,
  UserFormat,
} from "#dashboards/formats/messages.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import { tryPattern } from "../formats/try-pattern.ts";
import type { ControlSettings } from "../settings.ts";
import type { Reprocessing } from "../sources/reprocessing.ts";
import { MANAGE_SOURCES } from "./sources.ts";

type FormatRoutesDeps = {
  settings: Pick<ControlSettings, "dataFolder" | "timezone">;
  reprocessing: Reprocessing;
  clock: Clock;
};

/** Formats of users: the same as `quarterdeck format`. */
export const formatRoutes = (deps: FormatRoutesDeps): Route<MemberRule>[] => [
  listing(deps),
  trial(deps),
  saving(deps),
  removal(deps),
  rereading(deps),
];

const Named = z.object({ name: FormatName });

const listing = ({ settings: { dataFolder }, reprocessing }: FormatRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/formats",
    operationId: "listFormats",
    tag: "Sources",
    summary: "Lists the log formats that users described by patterns",
    rule: MANAGE_SOURCES,
    responses: { 200: { description: "The formats", body: FormatsAnswer } },
    async handle() {
      const read = await readFormats(dataFolder);
      const mistakes = read.ok ? [] : read.mistakes.map(mistakeText);
      const body: FormatsAnswer = {
        formats: read.ok ? [...read.entries] : [],
        problem: read.ok
          ? null
          : `${formatsFileIn(dataFolder)} has mistakes: ${mistakes.join("; ")}`,
        patterns: Object.keys(GROK_PATTERNS),
        reprocessing: reprocessing.state(),
      };
      return { status: 200, body };
    },
  });

const trial = ({ settings, clock }: FormatRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/formats/test",
    operationId: "tryFormat",
    tag: "Sources",
    summary: "Tries a pattern on lines, and returns their fields",
    rule: MANAGE_SOURCES,
    body: FormatTrial.meta({ example: { pattern: "%{WORD:order.state}", lines: "paid" } }),
    responses: { 200: { description: "The fields of the lines", body: TrialAnswer } },
    handle({ body }) {
      const zone = zoneOf(settings.timezone);
      return { status: 200, body: tryPattern({ ...body, zone, nowMs: clock.nowMs() }) };
    },
  });

const saving = ({ settings: { dataFolder } }: FormatRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "PUT",
    path: "/api/formats/{name}",
    operationId: "saveFormat",
    tag: "Sources",
    summary: "Saves a format: files at its paths are read in it from now on",
    rule: MANAGE_SOURCES,
    params: Named,
    body: FormatEntry.omit({ name: true }).meta({
      example: { pattern: "%{WORD:order.state}", paths: ["/srv/shop/*.log"] },
    }),
    responses: { 200: { description: "The format", body: UserFormat } },
    async handle({ params, body, caller, nowMs, database }) {
      const entry = { name: params.name, ...body };
      await saveFormat(dataFolder, entry);
      const about = { action: "format.save" as const, after: entry };
      await record(database, { ...about, ...who(caller, nowMs), target: entry.name });
      return { status: 200, body: entry };
    },
  });

const removal = ({ settings: { dataFolder } }: FormatRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/formats/{name}",
    operationId: "removeFormat",
    tag: "Sources",
    summary: "Removes a format. Its events are kept",
    rule: MANAGE_SOURCES,
    params: Named,
    responses: { 204: { description: "Removed" } },
    async handle({ params: { name }, caller, nowMs, database }) {
      await removeFormat(dataFolder, name);
      const about = { action: "format.remove" as const, target: name };
      await record(database, { ...about, ...who(caller, nowMs) });
      return { status: 204 };
    },
  });

const rereading = ({ settings, reprocessing, clock }: FormatRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/formats/{name}/reread",
    operationId: "rereadInFormat",
    tag: "Sources",
    summary:
      "Reads quarantined lines, or all stored lines of the files at its paths, again in this format",
    description: "GET /api/formats has the result.",
    rule: MANAGE_SOURCES,
    params: Named,
    body: z.strictObject({
      from: z.string().max(64).optional().describe("Only lines since then, e.g. now-2h"),
      lines: z.enum(["quarantined", "all"]).default("quarantined"),
    }),
    responses: { 202: { description: "They are being read again", body: z.strictObject({}) } },
    async handle({ params: { name }, body: { from, lines }, caller, nowMs, database }) {
      if (from !== undefined) parseInstant(from, "from", clock.nowMs());
      if (lines === "quarantined") {
        reprocessing.start({ format: name, from });
        return { status: 202, body: {} };
      }
      const read = await readFormats(settings.dataFolder);
      const entry = read.ok ? read.entries.find((it) => it.name === name) : undefined;
      const sources = entry?.paths ?? [];
      if (sources.length === 0) {
        const message = `${name} has no paths: read the lines of a source again on its page, or by quarterdeck reprocess --source`;
        const fields = [{ path: "path.name", code: "invalid", message } as const];
        throw new AppError("bad_request", message, { fields });
      }
      reprocessing.start({ format: name, from, sources });
      for (const target of sources) {
        const after = { format: name, from };
        await record(database, { action: "source.reread", target, after, ...who(caller, nowMs) });
      }
      return { status: 202, body: {} };
    },
  });

const who = ({ id, address }: MemberCaller, atMs: number) => ({ atMs, actor: id, address });
