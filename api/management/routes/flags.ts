import { z } from "zod";

import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { type Application, own, without } from "../domain/application.ts";
import { flagOf } from "../domain/decide.ts";
import { evaluateFlag } from "../domain/flag.ts";
import {
  FLAGS_WRITE as WRITE,
  type RouteDeps,
  changeAndRespond,
  changeRequest,
  checkIn,
  checkKeyVersion,
} from "./access.ts";
import { readAfter } from "./applications.ts";
import {
  AccountId,
  FlagOnWire,
  InApplication,
  Key,
  OfKey,
  Place,
  Reason,
  Version,
  pageOfKeys,
} from "./wire.ts";

const READ = "management:flags:read";
const tag = "Feature flags";

const KeptFlag = z
  .strictObject({ key: Key, version: Version, flag: FlagOnWire })
  .meta({ id: "KeptFlag" });

const shown = ({ versions, version, content }: Application, key: string) => {
  return { key, version: own(versions.flags, key) ?? version, flag: flagOf(content, key) };
};

export function flagRoutes(deps: RouteDeps): Route[] {
  return [listFlags(deps), getFlag(deps), putFlag(deps), removeFlag(deps), evaluate(deps)];
}

const listFlags = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/flags/{application}",
    operationId: "listFlags",
    tag,
    summary: "Lists the feature flags of an application, by key",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    query: pageQuery({}),
    responses: { 200: { description: "A page", body: pageOf(KeptFlag) } },
    async handle({ params, query, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      const body = pageOfKeys(application.content.flags, query, (key) => shown(application, key));
      return { status: 200, body };
    },
  });

const getFlag = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/flags/{application}/definitions/{key}",
    operationId: "getFlag",
    tag,
    summary: "Returns a feature flag",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: OfKey,
    responses: { 200: { description: "The flag", body: KeptFlag } },
    async handle({ params, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      const body = shown(application, params.key);
      return { status: 200, headers: etagOf(body.version), body };
    },
  });

const putFlag = (deps: RouteDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/flags/{application}/definitions/{key}",
    operationId: "putFlag",
    tag,
    summary: "Creates or replaces a feature flag",
    description:
      "Creating a flag needs no If-Match; replacing one requires its ETag. Evaluated in this order: off, denied, allowed, the first rule that matches the product and environment.",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    params: OfKey,
    body: z.strictObject({ flag: FlagOnWire, reason: Reason }),
    ifMatch: "optional",
    idempotency: "optional",
    responses: { 200: { description: "Stored", body: KeptFlag } },
    handle({ body, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const request = changeRequest(call, `putFlag ${key}`, {
        reason: body.reason,
        decide({ content, versions }) {
          checkKeyVersion({ ...call, ifMatch }, own(versions.flags, key));
          return { ...content, flags: { ...content.flags, [key]: body.flag } };
        },
      });
      return changeAndRespond(deps, write, {
        request,
        response(changed) {
          const stored = shown(changed.application, key);
          return { status: 200 as const, headers: etagOf(stored.version), body: stored };
        },
      });
    },
  });

const removeFlag = (deps: RouteDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/flags/{application}/definitions/{key}",
    operationId: "removeFlag",
    tag,
    summary: "Deletes a feature flag; it then evaluates to off",
    rule: { allow: "permission", permission: WRITE, scoped: true },
    params: OfKey,
    query: z.strictObject({ reason: Reason }),
    ifMatch: "required",
    responses: { 204: { description: "Removed" } },
    handle({ query, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const request = changeRequest(call, `removeFlag ${key}`, {
        reason: query.reason,
        decide({ content, versions }) {
          flagOf(content, key);
          checkKeyVersion({ ...call, ifMatch }, own(versions.flags, key));
          return { ...content, flags: without(content.flags, key) };
        },
      });
      return changeAndRespond(deps, write, { request, response: () => ({ status: 204 as const }) });
    },
  });

const Evaluated = z
  .strictObject({
    revision: Version,
    flags: z.record(
      z.string(),
      z.strictObject({
        on: z.boolean(),
        because: z.enum(["off", "denied", "allowed", "percentage", "no rule", "unknown"]),
      }),
    ),
  })
  .meta({ id: "EvaluatedFlags" });

const evaluate = ({ cache }: RouteDeps): Route =>
  route({
    method: "POST",
    path: "/v1/flags/{application}/evaluate",
    operationId: "evaluateFlags",
    tag,
    summary: "Evaluates all or the named flags for an account; changes nothing",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    body: z.strictObject({
      accountId: AccountId,
      ...Place,
      flags: z.array(Key).min(1).max(200).optional(),
    }),
    responses: { 200: { description: "The flags", body: Evaluated } },
    async handle({ params, body, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      const known = application.content.flags;
      const flags = (body.flags ?? Object.keys(known)).map((key) => {
        const flag = own(known, key);
        const unknown = { on: false, because: "unknown" } as const;
        return [key, flag ? evaluateFlag({ ...flag, key }, body.accountId, body) : unknown];
      });
      return {
        status: 200,
        body: { revision: application.version, flags: Object.fromEntries(flags) },
      };
    },
  });
