import { z } from "zod";

import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { type Application, own, without } from "../domain/application.ts";
import { define, setValue, settingOf, unsetValue } from "../domain/decide.ts";
import {
  READ,
  type RouteDeps,
  WRITE,
  changeAndRespond,
  changeRequest,
  checkIn,
  checkKeyVersion,
} from "./access.ts";
import { readAfter } from "./applications.ts";
import {
  DefinitionOnWire,
  InApplication,
  Key,
  OfKey,
  Place,
  Reason,
  ValueOnWire,
  Version,
  pageOfKeys,
} from "./wire.ts";

const Value = z.strictObject({ ...Place, value: z.unknown() });
const SettingOnWire = z
  .strictObject({
    key: Key,
    version: Version,
    definition: DefinitionOnWire,
    values: z.array(Value),
  })
  .meta({ id: "Setting" });

function shown(application: Application, key: string): z.input<typeof SettingOnWire> {
  const { definition, values } = settingOf(application.content, key);
  return {
    key,
    version: own(application.versions.settings, key) ?? application.version,
    definition,
    values: Object.entries(values).map(([scope, value]) => {
      const [product = "*", environment = "*"] = scope.split("/");
      return {
        ...(product === "*" ? {} : { product }),
        ...(environment === "*" ? {} : { environment }),
        value,
      };
    }),
  };
}

function responseOf<Status extends 200>(status: Status, application: Application, key: string) {
  const body = shown(application, key);
  return { status, headers: etagOf(body.version), body };
}

const tag = "Settings";
const rule = { allow: "permission", permission: WRITE, scoped: true } as const;
const reads = { allow: "permission", permission: READ, scoped: true } as const;

export function settingRoutes(deps: RouteDeps): Route[] {
  return [
    listSettings(deps),
    getSetting(deps),
    putDefinition(deps),
    removeDefinition(deps),
    putValue(deps),
    removeValue(deps),
  ];
}

const listSettings = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/settings/{application}",
    operationId: "listSettings",
    tag,
    summary: "Lists the settings of an application with all their values, by key",
    rule: reads,
    params: InApplication,
    query: pageQuery({}),
    responses: { 200: { description: "A page", body: pageOf(SettingOnWire) } },
    async handle({ params, query, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      const body = pageOfKeys(application.content.settings, query, (key) =>
        shown(application, key),
      );
      return { status: 200, body };
    },
  });

const getSetting = ({ cache }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/settings/{application}/definitions/{key}",
    operationId: "getSetting",
    tag,
    summary: "Returns a setting: its definition and its values in every scope",
    rule: reads,
    params: OfKey,
    responses: { 200: { description: "The setting", body: SettingOnWire } },
    async handle({ params, caller, incoming }) {
      checkIn(caller, READ, params.application);
      const { application } = await cache.get(params.application, readAfter(incoming));
      return responseOf(200, application, params.key);
    },
  });

const putDefinition = (deps: RouteDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/settings/{application}/definitions/{key}",
    operationId: "defineSetting",
    tag,
    summary: "Creates a setting or replaces its definition",
    description:
      "Creating a setting needs no If-Match; replacing a definition requires its ETag. Existing values must match the new definition; otherwise the request fails and lists those that do not.",
    rule,
    params: OfKey,
    body: z.strictObject({ definition: DefinitionOnWire, reason: Reason }),
    ifMatch: "optional",
    idempotency: "optional",
    responses: { 200: { description: "Defined", body: SettingOnWire } },
    handle({ body, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const { definition, reason } = body;
      const request = changeRequest(call, `defineSetting ${key}`, {
        reason,
        decide({ content, versions }) {
          checkKeyVersion({ ...call, ifMatch }, own(versions.settings, key));
          return define(content, key, { definition, path: "body.definition" });
        },
      });
      const response = (it: { application: Application }) => responseOf(200, it.application, key);
      return changeAndRespond(deps, write, { request, response });
    },
  });

const removeDefinition = (deps: RouteDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/settings/{application}/definitions/{key}",
    operationId: "removeSetting",
    tag,
    summary: "Deletes a setting with all its values",
    rule,
    params: OfKey,
    query: z.strictObject({ reason: Reason }),
    ifMatch: "required",
    responses: { 204: { description: "Removed" } },
    handle({ query, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const request = changeRequest(call, `removeSetting ${key}`, {
        reason: query.reason,
        decide({ content, versions }) {
          settingOf(content, key);
          checkKeyVersion({ ...call, ifMatch }, own(versions.settings, key));
          return { ...content, settings: without(content.settings, key) };
        },
      });
      return changeAndRespond(deps, write, { request, response: () => ({ status: 204 as const }) });
    },
  });

const putValue = (deps: RouteDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/settings/{application}/values/{key}",
    operationId: "setValue",
    tag,
    summary: "Sets the value of a setting in one scope",
    description:
      "Without product and environment the value is global. If-Match takes the ETag of the setting.",
    rule,
    params: OfKey,
    query: z.strictObject(Place),
    body: z.strictObject({ value: ValueOnWire, reason: Reason }),
    ifMatch: "required",
    idempotency: "optional",
    responses: { 200: { description: "Set", body: SettingOnWire } },
    handle({ body, query, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const request = changeRequest(call, `setValue ${key}`, {
        reason: body.reason,
        decide({ content, versions }) {
          settingOf(content, key);
          checkKeyVersion({ ...call, ifMatch }, own(versions.settings, key));
          return setValue(content, key, { scope: query, value: body.value });
        },
      });
      const response = (it: { application: Application }) => responseOf(200, it.application, key);
      return changeAndRespond(deps, write, { request, response });
    },
  });

const removeValue = (deps: RouteDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/settings/{application}/values/{key}",
    operationId: "unsetValue",
    tag,
    summary: "Removes the value of one scope; the value of the wider scope applies again",
    rule,
    params: OfKey,
    query: z.strictObject({ ...Place, reason: Reason }),
    ifMatch: "required",
    responses: { 200: { description: "Removed", body: SettingOnWire } },
    handle({ query: { reason, ...scope }, write, ifMatch, ...call }) {
      const { application, key } = call.params;
      checkIn(call.caller, WRITE, application);
      const request = changeRequest(call, `unsetValue ${key}`, {
        reason,
        decide({ content, versions }) {
          settingOf(content, key);
          checkKeyVersion({ ...call, ifMatch }, own(versions.settings, key));
          return unsetValue(content, key, scope);
        },
      });
      const response = (it: { application: Application }) => responseOf(200, it.application, key);
      return changeAndRespond(deps, write, { request, response });
    },
  });
