import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import type { Application } from "../domain/application.ts";
import {
  READ,
  type RouteDeps,
  WRITE,
  changeAndRespond,
  changeRequest,
  checkIn,
  mayIn,
} from "./access.ts";
import { ApplicationName, Description, InApplication, Reason, Version } from "./wire.ts";

const ApplicationOnWire = z
  .strictObject({
    name: ApplicationName,
    description: Description,
    version: Version,
    settings: z.int(),
    flags: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Application" });

const shown = ({ name, version, content, createdAtMs, updatedAtMs }: Application) => ({
  name,
  description: content.description,
  version,
  settings: Object.keys(content.settings).length,
  flags: Object.keys(content.flags).length,
  createdAt: new Date(createdAtMs).toISOString(),
  updatedAt: new Date(updatedAtMs).toISOString(),
});

const tag = "Applications";

export function applicationRoutes(deps: RouteDeps): Route[] {
  return [addApplication(deps), listApplications(deps), getApplication(deps), describe(deps)];
}

const addApplication = (deps: RouteDeps): Route =>
  route({
    method: "POST",
    path: "/v1/applications",
    operationId: "addApplication",
    tag,
    summary: "Creates an application",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    body: z.strictObject({ name: ApplicationName, description: Description, reason: Reason }),
    idempotency: "optional",
    responses: { 201: { description: "Added", body: ApplicationOnWire } },
    handle({ body: { name, description, reason }, write, ...call }) {
      checkIn(call.caller, WRITE, name);
      const request = changeRequest({ ...call, params: { application: name } }, "addApplication", {
        reason,
        create: () => ({ description, settings: {}, flags: {} }),
        decide() {
          throw new AppError("conflict", `Application ${name} already exists.`);
        },
      });
      return changeAndRespond(deps, write, {
        request,
        response: ({ application }) => ({
          status: 201 as const,
          headers: { ...etagOf(application.version), location: `/v1/applications/${name}` },
          body: shown(application),
        }),
      });
    },
  });

const After = z.tuple([ApplicationName]);

const listApplications = ({ store }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications",
    operationId: "listApplications",
    tag,
    summary: "Lists the applications that the caller may read, by name",
    rule: { allow: "permission", permission: READ, scoped: true },
    query: pageQuery({}),
    responses: { 200: { description: "A page", body: pageOf(ApplicationOnWire) } },
    async handle({ query, caller }) {
      let [after] = decodeCursor(After, query.cursor) ?? [""];
      const seen: Application[] = [];
      for (;;) {
        const batch = await store.list({ after, limit: query.limit + 1 });
        seen.push(...batch.filter(({ name }) => mayIn(caller, READ, name)));
        after = batch.at(-1)?.name ?? "";
        if (batch.length <= query.limit || seen.length > query.limit) break;
      }
      const body = cutPage(seen, query.limit, { item: shown, cursor: ({ name }) => [name] });
      return { status: 200, body };
    },
  });

const getApplication = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications/{application}",
    operationId: "getApplication",
    tag,
    summary: "Returns an application",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    responses: { 200: { description: "The application", body: ApplicationOnWire } },
    async handle({ params, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      return { status: 200, headers: etagOf(application.version), body: shown(application) };
    },
  });

const describe = (deps: RouteDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/applications/{application}",
    operationId: "describeApplication",
    tag,
    summary: "Changes the description of an application",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    params: InApplication,
    body: z.strictObject({ description: Description, reason: Reason }),
    ifMatch: "required",
    idempotency: "optional",
    responses: { 200: { description: "Changed", body: ApplicationOnWire } },
    handle({ body, write, ifMatch, ...call }) {
      checkIn(call.caller, WRITE, call.params.application);
      const request = changeRequest(call, "describeApplication", {
        reason: body.reason,
        decide({ version, content }) {
          checkVersion(ifMatch, version);
          return { ...content, description: body.description };
        },
      });
      return changeAndRespond(deps, write, {
        request,
        response: ({ application }) => ({
          status: 200 as const,
          headers: etagOf(application.version),
          body: shown(application),
        }),
      });
    },
  });

/** The version that the caller wrote before, from an earlier response. */
export function readAfter(incoming: {
  headers: NodeJS.Dict<string | string[]>;
}): string | undefined {
  const header = incoming.headers["read-after"];
  return Array.isArray(header) ? header[0] : header;
}
