/** Fields of an event, with dotted ECS names. */
export type EventFields = Record<string, unknown>;

type Json = Readonly<Record<string, unknown>>;

/** Reads values of JSON that may be anything. */
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function textIn(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = valueIn(value, path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

export function numberIn(
  value: unknown,
  ...path: readonly (string | number)[]
): number | undefined {
  const found = valueIn(value, path);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

export function listIn(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = valueIn(value, path);
  return Array.isArray(found) ? found : [];
}

function valueIn(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const name of path) {
    if (Array.isArray(found) && typeof name === "number") found = found[name];
    else if (isObject(found) && Object.hasOwn(found, name)) found = found[name];
    else return undefined;
  }
  return found;
}

/** Without fields that have no value. */
export function withValues(fields: EventFields): EventFields {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(entries);
}

/** Text for a part of an ARN: `arn:aws:ecs:eu-west-1:1:task/web/1` has `eu-west-1` at 3. */
export const arnPart = (arn: string | undefined, part: number): string | undefined =>
  arn?.split(":")[part] || undefined;

export const afterLastSlash = (text: string | undefined): string | undefined =>
  text?.slice(text.lastIndexOf("/") + 1);

/** `ECS Task State Change` becomes `ecs-task-state-change`. */
export const kebabCase = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");

/** ISO 8601 in UTC; undefined if the text is no time. A time without a zone is in UTC. */
export function isoTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const zoned = /(?:Z|[+-]\d\d:?\d\d|GMT)$/i.test(text) ? text : `${text.replace(" ", "T")}Z`;
  const ms = Date.parse(zoned.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
