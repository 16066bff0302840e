/** The type and constraints of a setting, as data. */
export type ValueSchema =
  | { type: "string"; minLength?: number | undefined; maxLength?: number | undefined }
  | { type: "number" | "integer"; minimum?: number | undefined; maximum?: number | undefined }
  | { type: "boolean" }
  | { type: "enum"; values: string[] }
  | { type: "duration"; minimumMs?: number | undefined; maximumMs?: number | undefined }
  | { type: "url"; protocols?: string[] | undefined }
  | { type: "secret" }
  | {
      type: "list";
      items: ValueSchema;
      minItems?: number | undefined;
      maxItems?: number | undefined;
    }
  | {
      type: "object";
      properties: Record<string, ValueSchema>;
      required?: string[] | undefined;
    };

/** A mistake in a value: its path (empty: the whole value) and how to correct it. */
type ValueMistake = { path: string; message: string };

const TEXT_LENGTH_MAX = 10_000;
const ITEMS_MAX = 1_000;
const MISTAKES_MAX = 20;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/;
const SECRET_REFERENCE = /^secret:\/\/([a-z][a-z0-9-]{0,62})$/;

/** Every mistake in a value (at most 20); empty when it is valid. */
export function checkValue(schema: ValueSchema, value: unknown, path = ""): ValueMistake[] {
  if (schema.type === "list") return checkList(schema, value, path);
  if (schema.type === "object") return checkObject(schema, value, path);
  const message = simpleMistake(schema, value);
  return message === undefined ? [] : [{ path, message }];
}

function simpleMistake(
  schema: Exclude<ValueSchema, { type: "list" | "object" }>,
  value: unknown,
): string | undefined {
  switch (schema.type) {
    case "string":
      return stringMistake(schema, value);
    case "number":
    case "integer":
      return numberMistake(schema, value);
    case "boolean":
      return unless(typeof value === "boolean", "give true or false");
    case "enum":
      return unless(
        typeof value === "string" && schema.values.includes(value),
        `give one of: ${schema.values.join(", ")}`,
      );
    case "duration":
      return durationMistake(schema, value);
    case "url":
      return urlMistake(schema, value);
    case "secret":
      return unless(
        secretName(value) !== undefined,
        "give a reference such as secret://database-password, never the secret itself",
      );
  }
}

const unless = (right: boolean, message: string): string | undefined =>
  right ? undefined : message;

type Of<Type extends ValueSchema["type"]> = Extract<ValueSchema, { type: Type }>;

function stringMistake(schema: Of<"string">, value: unknown): string | undefined {
  const { minLength = 0, maxLength = TEXT_LENGTH_MAX } = schema;
  if (typeof value !== "string") return "give a text";
  if (value.length >= minLength && value.length <= maxLength) return undefined;
  return `give a text of ${minLength} to ${maxLength} characters`;
}

function numberMistake(schema: Of<"number" | "integer">, value: unknown): string | undefined {
  const whole = schema.type === "integer";
  const range = { min: schema.minimum ?? -Infinity, max: schema.maximum ?? Infinity };
  const fits = typeof value === "number" && (whole ? Number.isSafeInteger : Number.isFinite)(value);
  if (fits && value >= range.min && value <= range.max) return undefined;
  const from = schema.minimum === undefined ? "" : ` of at least ${schema.minimum}`;
  const to = schema.maximum === undefined ? "" : ` of at most ${schema.maximum}`;
  return `give a ${whole ? "whole " : ""}number${[from, to].filter(Boolean).join(" and")}`;
}

function durationMistake(schema: Of<"duration">, value: unknown): string | undefined {
  const ms = typeof value === "string" ? durationMs(value) : undefined;
  if (ms === undefined) return "give a duration such as 250ms, 30s, 5m, 2h or 7d";
  if (ms < (schema.minimumMs ?? 0)) return `give at least ${schema.minimumMs}ms`;
  if (ms > (schema.maximumMs ?? Infinity)) return `give at most ${schema.maximumMs}ms`;
  return undefined;
}

/** The milliseconds of `30s`; undefined when it is not a duration. */
function durationMs(text: string): number | undefined {
  const [, count, unit = ""] = DURATION.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = UNIT_MS;
  const unitMs = units[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

function urlMistake(
  { protocols = ["https", "http"] }: Of<"url">,
  value: unknown,
): string | undefined {
  const message = `give an address that begins with ${protocols.map((it) => `${it}://`).join(" or ")}`;
  if (typeof value !== "string" || value.length > 2_000 || !URL.canParse(value)) return message;
  const url = new URL(value);
  if (!protocols.includes(url.protocol.slice(0, -1))) return message;
  return url.password === ""
    ? undefined
    : "leave the password out of the address: make it a setting of type secret";
}

function checkList(schema: Of<"list">, value: unknown, path: string): ValueMistake[] {
  const { minItems = 0, maxItems = ITEMS_MAX } = schema;
  if (!Array.isArray(value)) return [{ path, message: "give a list" }];
  if (value.length < minItems || value.length > maxItems) {
    return [{ path, message: `give a list of ${minItems} to ${maxItems} items` }];
  }
  const items: unknown[] = value;
  return items
    .flatMap((item, index) => checkValue(schema.items, item, within(path, String(index))))
    .slice(0, MISTAKES_MAX);
}

function checkObject(schema: Of<"object">, value: unknown, path: string): ValueMistake[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path, message: "give an object" }];
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const missing = (schema.required ?? [])
    .filter((name) => !given.has(name))
    .map((name) => ({ path: within(path, name), message: "this is required" }));
  const wrong = [...given].flatMap(([name, item]) => {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (known) return checkValue(known, item, within(path, name));
    const names = Object.keys(schema.properties).join(", ");
    return [
      { path: within(path, name.slice(0, 100)), message: `unknown property; allowed: ${names}` },
    ];
  });
  return [...missing, ...wrong].slice(0, MISTAKES_MAX);
}

const within = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

/** The name in `secret://name`; undefined for any other value. */
function secretName(value: unknown): string | undefined {
  return typeof value === "string" ? SECRET_REFERENCE.exec(value)?.[1] : undefined;
}

/** Names of the secrets that a value of this schema refers to. */
export function secretsOf(schema: ValueSchema, value: unknown): string[] {
  if (schema.type === "secret") return [secretName(value) ?? []].flat();
  if (schema.type === "list" && Array.isArray(value)) {
    return value.flatMap((item) => secretsOf(schema.items, item));
  }
  if (schema.type === "object" && typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, item]) => {
      const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      return known ? secretsOf(known, item) : [];
    });
  }
  return [];
}
