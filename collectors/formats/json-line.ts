import { OPEN_BRACE, QUOTE, BACKSLASH, textOf } from "./bytes.ts";
import { repairedJson } from "./repaired-json.ts";

export const DEPTH_MAX = 64;
export const FIELDS_MAX = 1000;
/** A number with this many digits may not fit a double, so it is kept as text. */
const LONG_NUMBER = /\d{16,}/;

export type JsonLine = { object: Record<string, unknown> } | { reason: string };

/**
 * The JSON object in [start, end), or the reason why there is none. Never throws; the depth is checked before parsing.
 */
export function parseJsonLine(bytes: Uint8Array, start: number, end: number): JsonLine {
  if (bytes[start] !== OPEN_BRACE)
    return { reason: "not a JSON object: the line does not begin with {" };
  if (!isShallow(bytes, start, end))
    return { reason: `JSON is nested deeper than ${DEPTH_MAX} levels` };
  const text = textOf(bytes, start, end);
  try {
    return objectOf(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "unknown";
    return repairedObject(text) ?? { reason: `JSON cannot be read: ${why}` };
  }
}

function objectOf(text: string): JsonLine {
  const value: unknown = LONG_NUMBER.test(text) ? JSON.parse(text, exactNumbers) : JSON.parse(text);
  return isObject(value) ? { object: value } : { reason: "not a JSON object" };
}

function repairedObject(text: string): JsonLine | undefined {
  const repaired = repairedJson(text);
  if (repaired === text) return undefined;
  try {
    return objectOf(repaired);
  } catch {
    return undefined; // The error of the original text is reported.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether lists and objects are nested less than the limit. Only counts brackets outside of strings. */
export function isShallow(bytes: Uint8Array, start: number, end: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!;
    if (byte === BACKSLASH && inString) i += 1;
    else if (byte === QUOTE) inString = !inString;
    else if (!inString && (byte | 0x20) === 0x7b) {
      depth += 1;
      if (depth > DEPTH_MAX) return false;
    } else if (!inString && (byte | 0x20) === 0x7d) depth -= 1;
  }
  return true;
}

function exactNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context?.source === undefined)
    return value;
  return /^-?\d{16,}$/.test(context.source) ? context.source : value;
}

/**
 * The object's values under dotted names, with lists unchanged; undefined if there are more than the limit. A
 * map, so that no name (`__proto__`) is special.
 */
export function flatten(object: Record<string, unknown>): Map<string, unknown> | undefined {
  const fields = new Map<string, unknown>();
  return addFields(fields, "", object) ? fields : undefined;
}

function addFields(
  fields: Map<string, unknown>,
  prefix: string,
  object: Record<string, unknown>,
): boolean {
  for (const [key, value] of Object.entries(object)) {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (isObject(value)) {
      if (!addFields(fields, name, value)) return false;
    } else if (value !== null) {
      fields.set(name, value);
      if (fields.size > FIELDS_MAX) return false;
    }
  }
  return true;
}
