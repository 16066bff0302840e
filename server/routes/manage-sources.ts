import { z } from "zod";

import { record } from "#access/audit.ts";
import { type MemberCaller, type MemberRule, memberRoute } from "#access/route.ts";
import type { FollowedSources } from "#collectors/configured/follow-sources.ts";
import { formFields, type FormField } from "#collectors/configured/form-fields.ts";
import { SOURCE_KINDS } from "#collectors/configured/kinds.ts";
import { SourceEntryBody, SourceKindsAnswer } from "#dashboards/sources/edit-messages.ts";
import type { Route } from "#platform/http/route.ts";

import type { ControlSettings } from "../settings.ts";
import { formatNames } from "../sources/check-entry.ts";
import { PUSH_PATHS } from "../sources/push-paths.ts";
import { openSourcesEditor, type SourcesEditor } from "../sources/sources-editor.ts";
import { MANAGE_SOURCES } from "./sources.ts";

type ManageDeps = {
  settings: Pick<ControlSettings, "dataFolder">;
  /** The sources file, as the control plane follows it. */
  sourcesFile: Pick<FollowedSources, "refresh">;
};

const Source = z.strictObject({ source: z.string().min(1).max(4_096) });

/** Adding, changing and removing sources: all change the sources file, which indexers follow. */
export function manageSourcesRoutes({ settings, sourcesFile }: ManageDeps): Route<MemberRule>[] {
  const { apply } = openSourcesEditor(settings.dataFolder);
  const editor: SourcesEditor = {
    async apply(change, secrets) {
      await apply(change, secrets);
      // Otherwise an indexer could report a source whose kind the page does not know yet.
      await sourcesFile.refresh();
    },
  };
  return [
    kinds(settings.dataFolder),
    adding(editor),
    changing(editor),
    removing(editor),
    excluding(editor),
  ];
}

const kinds = (dataFolder: string): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/source-kinds",
    operationId: "listSourceKinds",
    tag: "Sources",
    summary: "Lists the kinds of sources with their properties",
    rule: MANAGE_SOURCES,
    responses: { 200: { description: "The kinds", body: SourceKindsAnswer } },
    async handle() {
      const names = await formatNames(dataFolder);
      const withChoices = (field: FormField): FormField =>
        field.name === "format" ? { ...field, choices: names } : field;
      const all = SOURCE_KINDS.map((it) => {
        const { kind, title, summary } = it;
        return { kind, title, summary, fields: formFields(it).map(withChoices) };
      });
      return { status: 200, body: { pushPaths: [...PUSH_PATHS], kinds: all } };
    },
  });

const adding = (editor: SourcesEditor): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/sources",
    operationId: "addSource",
    tag: "Sources",
    summary: "Adds a source, which is read within seconds, without a restart",
    rule: MANAGE_SOURCES,
    body: SourceEntryBody,
    responses: { 200: { description: "Added", body: z.strictObject({ source: z.string() }) } },
    async handle({ body, caller, nowMs, database }) {
      const { secrets, ...entered } = body;
      await editor.apply({ edit: "add", entry: entered }, secrets);
      const entry = { action: "source.add" as const, target: body.id, after: audited(body) };
      await record(database, { ...entry, ...who(caller, nowMs) });
      return { status: 200, body: { source: body.id } };
    },
  });

const changing = (editor: SourcesEditor): Route<MemberRule> =>
  memberRoute({
    method: "PUT",
    path: "/api/sources",
    operationId: "changeSource",
    tag: "Sources",
    summary: "Changes a source; secrets that are left out stay as they are",
    rule: MANAGE_SOURCES,
    query: Source,
    body: SourceEntryBody,
    responses: { 200: { description: "Changed", body: z.strictObject({ source: z.string() }) } },
    async handle({ query, body, caller, nowMs, database }) {
      const { secrets, ...entered } = body;
      await editor.apply({ edit: "change", id: query.source, entry: entered }, secrets);
      const entry = { action: "source.change" as const, target: query.source };
      await record(database, { ...entry, after: audited(body), ...who(caller, nowMs) });
      return { status: 200, body: { source: body.id } };
    },
  });

const removing = (editor: SourcesEditor): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/sources",
    operationId: "removeSource",
    tag: "Sources",
    summary: "Removes a source from the sources file; its events stay",
    rule: MANAGE_SOURCES,
    query: Source,
    responses: { 204: { description: "Removed" } },
    async handle({ query, caller, nowMs, database }) {
      await editor.apply({ edit: "remove", id: query.source });
      const entry = { action: "source.remove" as const, target: query.source };
      await record(database, { ...entry, ...who(caller, nowMs) });
      return { status: 204 };
    },
  });

const excluding = (editor: SourcesEditor): Route<MemberRule> =>
  memberRoute({
    method: "PUT",
    path: "/api/excluded-paths",
    operationId: "excludePath",
    tag: "Sources",
    summary: "Stops or continues reading a path that was named at start",
    rule: MANAGE_SOURCES,
    query: Source,
    body: z.strictObject({ isExcluded: z.boolean() }),
    responses: { 204: { description: "Changed" } },
    async handle({ query, body, caller, nowMs, database }) {
      const { isExcluded } = body;
      const path = query.source;
      await editor.apply({ edit: isExcluded ? "exclude" : "include", path });
      const action = isExcluded ? ("source.remove" as const) : ("source.add" as const);
      await record(database, { action, target: path, ...who(caller, nowMs) });
      return { status: 204 };
    },
  });

const who = ({ id, address }: MemberCaller, atMs: number) => ({ atMs, actor: id, address });

/** Without secrets. */
function audited({ id, kind, properties }: z.infer<typeof SourceEntryBody>): unknown {
  const found = SOURCE_KINDS.find((it) => it.kind === kind);
  const secrets = new Set(
    (found ? formFields(found) : []).filter(({ isSecret }) => isSecret).map(({ name }) => name),
  );
  const shown = Object.entries(properties).filter(([name]) => !secrets.has(name));
  return { id, kind, ...Object.fromEntries(shown) };
}
