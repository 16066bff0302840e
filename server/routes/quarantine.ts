import { z } from "zod";

import { can } from "#access/policy.ts";
import { type MemberRule, memberRoute, signedInOf } from "#access/route.ts";
import { Quarantine } from "#dashboards/sources/quarantine-messages.ts";
import type { Filter } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import type { EventDocument, EventReader } from "#pipeline/store/port.ts";
import { parseInstant } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import type { Route } from "#platform/http/route.ts";

import type { ControlSettings } from "../settings.ts";
import { formatNames } from "../sources/check-entry.ts";
import type { Reprocessing } from "../sources/reprocessing.ts";
import type { WorkspaceView } from "../workspace.ts";
import { FOLLOW_EVENTS } from "./events.ts";
import { mustExist } from "./reread.ts";
import { MANAGE_SOURCES } from "./sources.ts";

const REASONS_MAX = 20;
const SAMPLES = 3;
const LINE_CHARACTERS_MAX = 2_000;

type QuarantineDeps = {
  settings: Pick<ControlSettings, "dataFolder">;
  workspace(): Pick<WorkspaceView, "store">;
  reprocessing: Reprocessing;
  clock: Clock;
};

const Path = z
  .string()
  .min(1)
  .max(4_096)
  .describe("Only lines that were read at this path; `*` stands for any text.");

/** The lines that no format can parse, and reading them again after a fix. */
export const quarantineRoutes = (deps: QuarantineDeps): Route<MemberRule>[] => [
  listing(deps),
  reading(deps),
];

const listing = ({ settings, workspace, reprocessing, clock }: QuarantineDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/quarantine",
    operationId: "getQuarantine",
    tag: "Sources",
    summary: "Returns the lines that no format can parse, by reason, with samples",
    description: `The ${REASONS_MAX} most frequent reasons.`,
    rule: FOLLOW_EVENTS,
    query: z.strictObject({ path: Path.optional() }),
    responses: { 200: { description: "The quarantined lines", body: Quarantine } },
    async handle({ query, caller, signal }) {
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const subject = { ...signedInOf(caller), nowMs: clock.nowMs() };
      const body = {
        ...(await reasonsIn(store, query.path)),
        reprocessing: reprocessing.state(),
        formats: await formatNames(settings.dataFolder),
        mayManage: can(subject, MANAGE_SOURCES.capability, MANAGE_SOURCES.target),
      };
      return { status: 200, body };
    },
  });

type Found = Pick<Quarantine, "reasons" | "total">;

async function reasonsIn(
  store: Pick<EventReader, "search" | "facets" | "extents">,
  path: string | undefined,
): Promise<Found> {
  const extent = (await store.extents()).find(({ dataset }) => dataset === QUARANTINE_DATASET);
  if (!extent) return { reasons: [], total: 0 };
  const range = { fromMs: extent.fromMs, toMs: extent.toMs + 1 };
  const where: Filter = [
    { field: "data_stream.dataset", op: "eq", value: QUARANTINE_DATASET },
    ...(path === undefined ? [] : [{ field: "log.file.path", op: "like" as const, value: path }]),
  ];
  const field = "error.message";
  const facets = await store.facets({ ...range, where, fields: [field], limit: REASONS_MAX });
  const reasons = await Promise.all(
    (facets.get(field) ?? []).map(async ({ value: reason, count: lines }) => {
      const same: Filter = [...where, { field, op: "eq", value: reason }];
      const events = await store.search({ ...range, where: same, limit: SAMPLES });
      return { reason, lines, samples: events.map(sampleOf) };
    }),
  );
  const counted = reasons.reduce((sum, { lines }) => sum + lines, 0);
  return { reasons, total: path === undefined ? Math.max(extent.rows, counted) : counted };
}

const sampleOf = ({ id, fields }: EventDocument) => ({
  id,
  atMs: Date.parse(String(fields["@timestamp"])),
  path: textIn(fields["log.file.path"]),
  line: textIn(fields["event.original"]).slice(0, LINE_CHARACTERS_MAX),
});

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

const reading = ({ settings, reprocessing, clock }: QuarantineDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/quarantine/reprocess",
    operationId: "reprocessQuarantine",
    tag: "Sources",
    summary: "Reads the quarantined lines again, after a fix or an update",
    description:
      "Lines that can be parsed become events of their dataset with the same source and offset. GET /api/quarantine has the result.",
    rule: MANAGE_SOURCES,
    body: z.strictObject({
      path: Path.optional(),
      format: z.string().min(1).max(256).optional(),
      from: z.string().max(64).optional().describe("Only lines since then, e.g. now-2h"),
    }),
    responses: { 202: { description: "They are being read again", body: z.strictObject({}) } },
    async handle({ body }) {
      const { format, from } = body;
      await mustExist(format, settings.dataFolder);
      if (from !== undefined) parseInstant(from, "from", clock.nowMs());
      reprocessing.start(body);
      return { status: 202, body: {} };
    },
  });
