import { z } from "zod";

import type { Caller } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { REPORTS } from "../commands/reports.ts";
import {
  changeSchedule,
  createSchedule,
  unknownSchedule,
  removeSchedule,
} from "../commands/schedules.ts";
import type { ReportingDeps } from "../deps.ts";
import { FORMATS } from "../domain/run.ts";
import { type Schedule, findSchedule, listSchedules } from "../repositories/schedules-store.ts";
import { READ, SCHEDULES_WRITE, checkMayRead, mayRead, namesOf } from "./access.ts";
import { NewestFirst } from "./runs.ts";
import { ScheduleAnswer, shownSchedule } from "./wire.ts";

const READERS = { allow: "permission", permission: READ, scoped: true } as const;
const WRITERS = { allow: "permission", permission: SCHEDULES_WRITE } as const;
const ScheduleId = z.strictObject({ scheduleId: idOf("rsc") });
const PARAMETERS_MAX = 20;

const Content = z
  .strictObject({
    name: text({ max: 200 }),
    report: z.enum(REPORTS.map(({ name }) => name)).describe("Name of a report in the catalogue."),
    parameters: z
      .record(z.string().regex(/^[a-zA-Z]{1,50}$/), z.string().max(200))
      .refine((it) => Object.keys(it).length <= PARAMETERS_MAX, { error: "too many parameters" })
      .default({})
      .describe(
        "Parameters of the report; a period such as last-month is relative to the time of the run.",
      ),
    format: z.enum(FORMATS).default("csv"),
    cron: text({ max: 100 })
      .meta({ example: "0 6 * * 1" })
      .describe("Minute hour day month weekday."),
    timeZone: text({ max: 60 }).default("UTC").meta({ example: "Europe/Berlin" }),
    paused: z.boolean().default(false),
  })
  .meta({ id: "ScheduleContent" });

const description =
  "After an outage, one run replaces all missed times. Requires permission to read the report.";

/** Schedules: list, create, read, replace, delete. */
export const scheduleRoutes = (deps: ReportingDeps): Route[] => [
  listRoute(),
  createRoute(deps),
  getRoute(),
  replaceRoute(deps),
  deleteRoute(deps),
];

const listRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/schedules",
    operationId: "listSchedules",
    tag: "Schedules",
    summary: "Lists the schedules of reports that the caller may read, newest first",
    rule: READERS,
    query: pageQuery({}),
    reads: "replica",
    responses: { 200: { description: "A page of schedules", body: pageOf(ScheduleAnswer) } },
    async handle({ query, caller, read, nowMs }) {
      const [createdAtMs, id] = decodeCursor(NewestFirst, query.cursor) ?? [];
      const after = createdAtMs === undefined || id === undefined ? undefined : { createdAtMs, id };
      const filter = { reports: namesOf(caller), after, limit: query.limit };
      const page = cutPage(await listSchedules(read, filter), query.limit, {
        item: (schedule) => shownSchedule(schedule, nowMs),
        cursor: (schedule) => [schedule.createdAtMs, schedule.id],
      });
      return { status: 200, body: page };
    },
  });

const createRoute = (deps: ReportingDeps): Route =>
  route({
    method: "POST",
    path: "/v1/schedules",
    operationId: "createSchedule",
    tag: "Schedules",
    summary: "Schedules a report",
    description,
    rule: WRITERS,
    body: Content,
    idempotency: "optional",
    responses: { 201: { description: "The schedule", body: ScheduleAnswer } },
    handle: ({ body, caller, nowMs, write }) => {
      return write(async (tx) => {
        const schedule = await createSchedule(tx, deps, {
          content: body,
          nowMs,
          mayRead: mine(caller),
        });
        const headers = { ...etagOf(schedule.version), location: `/v1/schedules/${schedule.id}` };
        return { status: 201, headers, body: shownSchedule(schedule, nowMs) };
      });
    },
  });

const getRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/schedules/{scheduleId}",
    operationId: "getSchedule",
    tag: "Schedules",
    summary: "Returns a schedule with its next run and the status of the last one",
    rule: READERS,
    params: ScheduleId,
    reads: "replica",
    responses: { 200: { description: "The schedule", body: ScheduleAnswer } },
    async handle({ params, caller, read, nowMs }) {
      const schedule = await visible(read, caller, params.scheduleId);
      const headers = etagOf(schedule.version);
      return { status: 200, headers, body: shownSchedule(schedule, nowMs) };
    },
  });

const replaceRoute = (deps: ReportingDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/schedules/{scheduleId}",
    operationId: "replaceSchedule",
    tag: "Schedules",
    summary: "Changes, pauses or resumes a schedule",
    description,
    rule: WRITERS,
    params: ScheduleId,
    body: Content,
    ifMatch: "required",
    responses: { 200: { description: "The changed schedule", body: ScheduleAnswer } },
    handle: ({ params, body, caller, nowMs, ifMatch, write }) =>
      write(async (tx) => {
        const before = await visible(tx, caller, params.scheduleId);
        const change = { content: body, nowMs, before, ifMatch, mayRead: mine(caller) };
        const schedule = await changeSchedule(tx, deps, change);
        const headers = etagOf(schedule.version);
        return { status: 200, headers, body: shownSchedule(schedule, nowMs) };
      }),
  });

const deleteRoute = (deps: ReportingDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/schedules/{scheduleId}",
    operationId: "deleteSchedule",
    tag: "Schedules",
    summary: "Deletes a schedule; its runs are kept",
    rule: WRITERS,
    params: ScheduleId,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: ({ params, caller, nowMs, ifMatch, write }) =>
      write(async (tx) => {
        const { id } = await visible(tx, caller, params.scheduleId);
        await removeSchedule(tx, deps, { id, ifMatch, nowMs });
        return { status: 204 };
      }),
  });

/** A schedule of a report that the caller may not read answers 404. */
async function visible(db: Queryable, caller: Caller, id: string): Promise<Schedule> {
  const schedule = await findSchedule(db, id);
  if (schedule === undefined || !mayRead(caller, schedule.report)) throw unknownSchedule();
  return schedule;
}

const mine =
  (caller: Caller): ((report: string) => void) =>
  (report) =>
    checkMayRead(caller, report);
