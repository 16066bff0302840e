import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import {
  type Content,
  EMPTY,
  type Revision,
  type RevisionFacts as Facts,
} from "../domain/application.ts";
import { diff } from "../domain/diff.ts";
import {
  READ,
  type RouteDeps,
  WRITE,
  changeAndRespond,
  changeRequest,
  checkFlagsIn,
  checkIn,
} from "./access.ts";
import {
  ApplicationName,
  ChangeOnWire,
  InApplication,
  Reason,
  Version,
  revisionNumber,
} from "./wire.ts";

const RevisionFacts = z.strictObject({
  application: ApplicationName,
  revision: Version,
  at: z.iso.datetime(),
  by: z.string(),
  reason: z.string(),
});
const RevisionOnWire = RevisionFacts.extend({ changes: z.array(ChangeOnWire) }).meta({
  id: "Revision",
});

export const factsOf = ({ application, revision, atMs, by, reason }: Facts) => ({
  application,
  revision,
  at: new Date(atMs).toISOString(),
  by,
  reason,
});

const NUMBER_MAX = 2_147_483_647;
const tag = "History";
const reads = { allow: "permission", permission: READ, scoped: true } as const;

export function historyRoutes(deps: RouteDeps): Route[] {
  return [listRevisions(deps), getRevision(deps), compare(deps), rollBack(deps)];
}

const listRevisions = ({ store, cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications/{application}/revisions",
    operationId: "listRevisions",
    tag,
    summary: "Lists the revisions of an application with who, when and why, newest first",
    rule: reads,
    params: InApplication,
    query: pageQuery({}),
    responses: {
      200: { description: "A page", body: pageOf(RevisionFacts.meta({ id: "RevisionFacts" })) },
    },
    async handle({ params: { application }, query, caller }) {
      checkIn(caller, READ, application);
      await cache.get(application, undefined);
      const Cursor = z.tuple([z.int().min(1).max(NUMBER_MAX)]);
      const [before] = decodeCursor(Cursor, query.cursor) ?? [NUMBER_MAX];
      const found = await store.history(application, { before, limit: query.limit + 1 });
      const by = { item: factsOf, cursor: (it: Facts) => [it.revision] };
      return { status: 200, body: cutPage(found, query.limit, by) };
    },
  });

/** Revision 0 is the empty content before the first revision. */
async function contentAt({ store }: RouteDeps, name: string, number: number): Promise<Content> {
  return number === 0 ? EMPTY : (await revisionAt({ store }, name, number)).content;
}

async function revisionAt(
  { store }: Pick<RouteDeps, "store">,
  name: string,
  number: number,
): Promise<Revision> {
  const revision = await store.revision(name, number);
  if (revision) return revision;
  throw new AppError("not_found", `${name} has no revision ${number}.`);
}

const getRevision = (deps: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications/{application}/revisions/{revision}",
    operationId: "getRevision",
    tag,
    summary: "Returns a revision: who, when, why and its changes",
    rule: reads,
    params: z.strictObject({ application: ApplicationName, revision: revisionNumber }),
    responses: { 200: { description: "The revision", body: RevisionOnWire } },
    async handle({ params: { application, revision: number }, caller }) {
      checkIn(caller, READ, application);
      const revision = await revisionAt(deps, application, number);
      const before = await contentAt(deps, application, number - 1);
      const changes = diff(before, revision.content);
      return { status: 200, body: { ...factsOf(revision), changes } };
    },
  });

const compare = (deps: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications/{application}/diff",
    operationId: "diffRevisions",
    tag,
    summary: "Compares any two revisions",
    rule: reads,
    params: InApplication,
    query: z.strictObject({ from: revisionNumber, to: revisionNumber }),
    responses: {
      200: {
        description: "The differences",
        body: z.strictObject({ changes: z.array(ChangeOnWire) }),
      },
    },
    async handle({ params: { application }, query, caller }) {
      checkIn(caller, READ, application);
      const from = await contentAt(deps, application, query.from);
      const to = await contentAt(deps, application, query.to);
      return { status: 200, body: { changes: diff(from, to) } };
    },
  });

const rollBack = (deps: RouteDeps): Route =>
  route({
    method: "POST",
    path: "/v1/applications/{application}/rollback",
    operationId: "rollBack",
    tag,
    summary: "Rolls back: creates a new revision with the content of an earlier one",
    description: "Changing flags also requires management:flags:write.",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    params: InApplication,
    body: z.strictObject({ revision: Version.max(NUMBER_MAX), reason: Reason }),
    ifMatch: "required",
    idempotency: "optional",
    responses: {
      200: {
        description: "Rolled back",
        body: z.strictObject({ revision: Version, changes: z.array(ChangeOnWire) }),
      },
    },
    async handle({ body, write, ifMatch, ...call }) {
      const name = call.params.application;
      checkIn(call.caller, WRITE, name);
      const target = await revisionAt(deps, name, body.revision);
      const request = changeRequest(call, "rollBack", {
        reason: body.reason,
        decide({ version, content }) {
          checkVersion(ifMatch, version);
          const flags = { before: content.flags, after: target.content.flags };
          checkFlagsIn(call.caller, name, flags);
          return target.content;
        },
      });
      return changeAndRespond(deps, write, {
        request,
        response: ({ application, changes }) => ({
          status: 200 as const,
          headers: etagOf(application.version),
          body: { revision: application.version, changes },
        }),
      });
    },
  });
