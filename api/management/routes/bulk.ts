import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { invalid } from "#platform/http/invalid-input.ts";
import { type Route, route } from "#platform/http/route.ts";

import { checkContent } from "../commands/change.ts";
import { type Content, EMPTY } from "../domain/application.ts";
import { diff } from "../domain/diff.ts";
import {
  type Calling,
  READ,
  type RouteDeps,
  WRITE,
  changeAndRespond,
  changeRequest,
  checkFlagsIn,
  checkIn,
} from "./access.ts";
import { readAfter } from "./applications.ts";
import { createYamlReader } from "./read-yaml.ts";
import { ChangeOnWire, InApplication, Reason } from "./wire.ts";
import { type YamlFile, toYaml } from "./yaml-document.ts";

/** Every allowed application can be exported and imported: text with short lines is the longest as YAML. */
const YAML_CHARACTERS_MAX = 4_000_000;
const BODY_BYTES_MAX = 16_100_000;
/** Parsing a large file takes seconds of CPU time. */
const LIMIT = { burst: 30, perMinute: 30 };
const tag = "Bulk";

export function bulkRoutes(deps: RouteDeps): Route[] {
  return [exportApplication(deps), importApplication(deps)];
}

const exportApplication = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/applications/{application}/export",
    operationId: "exportApplication",
    tag,
    summary: "Exports an application as YAML: settings, values, flags and references to secrets",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    responses: { 200: { description: "The file", media: "application/yaml" } },
    async handle({ params, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      return new Response(toYaml(application), {
        headers: {
          ...etagOf(application.version),
          "content-type": "application/yaml; charset=utf-8",
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="${application.name}.yaml"`,
        },
      });
    },
  });

const Plan = z
  .strictObject({
    applied: z.boolean(),
    /** The version after the import; for a dry run the current one, 0 if it would be created. */
    revision: z.int().min(0),
    changes: z.array(ChangeOnWire),
  })
  .meta({ id: "ImportPlan" });

function importApplication(deps: RouteDeps): Route {
  const readYaml = createYamlReader();
  return route({
    method: "POST",
    path: "/v1/applications/{application}/import",
    operationId: "importApplication",
    tag,
    summary: "Replaces the content of an application with a YAML file, atomically",
    description:
      "With `dryRun` it only returns the changes and the ETag of the current version: send that as If-Match to apply exactly this plan. Anything missing from the file is removed. Importing the same file again changes nothing. A new application is created; an existing one requires If-Match (`*` for any version). Changing flags also requires management:flags:write.",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    params: InApplication,
    body: z.strictObject({
      yaml: z.string().min(1).max(YAML_CHARACTERS_MAX),
      dryRun: z.boolean().default(false),
      reason: Reason,
    }),
    bodyBytesMax: BODY_BYTES_MAX,
    limit: LIMIT,
    ifMatch: "optional",
    idempotency: "optional",
    responses: { 200: { description: "The planned or applied changes", body: Plan } },
    async handle({ body, write, ifMatch, ...call }) {
      const name = call.params.application;
      checkIn(call.caller, WRITE, name);
      const content = contentFor(name, await readYaml(body.yaml));
      if (body.dryRun) return plan(deps, call, content);
      const request = changeRequest(call, "importApplication", {
        reason: body.reason,
        create() {
          checkFlagsIn(call.caller, name, { before: {}, after: content.flags });
          return content;
        },
        decide(current) {
          if (call.incoming.headers["if-match"] === undefined) throw unseen(name);
          checkVersion(ifMatch, current.version);
          const flags = { before: current.content.flags, after: content.flags };
          checkFlagsIn(call.caller, name, flags);
          return content;
        },
      });
      return changeAndRespond(deps, write, {
        request,
        response: ({ application, changes }) => ({
          status: 200 as const,
          headers: etagOf(application.version),
          body: { applied: true, revision: application.version, changes },
        }),
      });
    },
  });
}

/** @throws AppError bad_request */
function contentFor(application: string, { name, content }: YamlFile): Content {
  if (name === application) return content;
  const message = `line 1: this file is for ${name}: import it at /v1/applications/${name}/import`;
  throw invalid([{ path: "body.yaml.application", code: "other_application", message }]);
}

const unseen = (name: string): AppError =>
  new AppError(
    "precondition_required",
    `Application ${name} exists: send If-Match with the ETag of a dry run to apply that plan, or If-Match: * to replace any version.`,
  );

/** The plan of an import; throws what the import would throw. */
async function plan({ kit, store, cache }: RouteDeps, call: Calling, content: Content) {
  const name = call.params.application;
  const from = { version: cache.newest(name), after: readAfter(call.incoming) };
  const current = await store.peek(name, from);
  const before = current?.content ?? EMPTY;
  checkFlagsIn(call.caller, name, { before: before.flags, after: content.flags });
  await checkContent(kit.database, before, content);
  const changes = diff(before, content);
  const revision = current?.version ?? 0;
  return {
    status: 200 as const,
    headers: etagOf(revision),
    body: { applied: false, revision, changes },
  };
}
