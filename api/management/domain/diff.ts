import { isDeepStrictEqual } from "node:util";

import { type Application, type Content, type Scope, scopeOf } from "./application.ts";

type ChangeKind = "application" | "definition" | "value" | "flag";

/** One difference between two contents; `before` is absent for an addition, `after` for a removal. */
export type Change = {
  kind: ChangeKind;
  /** Key of the setting or flag; empty for the application itself. */
  key: string;
  scope: Scope;
  before?: unknown;
  after?: unknown;
};

type Part = { kind: ChangeKind; key: string; scope: Scope; value: unknown };

function partsOf(content: Content): Map<string, Part> {
  const parts: Part[] = [
    { kind: "application", key: "", scope: {}, value: content.description },
    ...Object.entries(content.settings).flatMap(([key, { definition, values }]) => [
      { kind: "definition" as const, key, scope: {}, value: definition },
      ...Object.entries(values).map(([scope, value]) => ({
        kind: "value" as const,
        key,
        scope: scopeOf(scope),
        value,
      })),
    ]),
    ...Object.entries(content.flags).map(([key, value]) => ({
      kind: "flag" as const,
      key,
      scope: {},
      value,
    })),
  ];
  return new Map(parts.map((part) => [JSON.stringify([part.kind, part.key, part.scope]), part]));
}

/** The changes that lead from one content to another, in a stable order. */
export function diff(before: Content, after: Content): Change[] {
  const [old, fresh] = [partsOf(before), partsOf(after)];
  const changes = [...new Set([...old.keys(), ...fresh.keys()])].flatMap((id): Change[] => {
    const [was, is] = [old.get(id), fresh.get(id)];
    const part = is ?? was;
    if (!part || (was && is && same(was.value, is.value))) return [];
    const { kind, key, scope } = part;
    return [
      {
        kind,
        key,
        scope,
        ...(was ? { before: was.value } : {}),
        ...(is ? { after: is.value } : {}),
      },
    ];
  });
  return changes.toSorted((a, b) => orderOf(a).localeCompare(orderOf(b), "en"));
}

/** Content is stored as JSON, which has no -0. */
const same = (was: unknown, is: unknown): boolean =>
  isDeepStrictEqual(was, is) || JSON.stringify(was) === JSON.stringify(is);

const orderOf = ({ kind, key, scope }: Change): string => JSON.stringify([kind, key, scope]);

/** The application after a revision; what changed gets the revision's number as its version. */
export function advance(
  before: Application,
  to: { content: Content; atMs: number },
): { application: Application; changes: Change[] } {
  const changes = diff(before.content, to.content);
  const version = before.version + 1;
  const touched = (kinds: readonly ChangeKind[]): Set<string> =>
    new Set(changes.filter(({ kind }) => kinds.includes(kind)).map(({ key }) => key));
  const stamp = (
    known: Readonly<Record<string, number>>,
    keys: readonly string[],
    changed: ReadonlySet<string>,
  ): Record<string, number> =>
    Object.fromEntries(
      keys.map((key) => [key, changed.has(key) ? version : (known[key] ?? version)]),
    );
  const settings = touched(["definition", "value"]);
  const versions = {
    settings: stamp(before.versions.settings, Object.keys(to.content.settings), settings),
    flags: stamp(before.versions.flags, Object.keys(to.content.flags), touched(["flag"])),
  };
  const application = {
    ...before,
    version,
    versions,
    content: to.content,
    updatedAtMs: to.atMs,
  };
  return { application, changes };
}
