/** Longer shapes are cut. */
const CHARS_MAX = 4096;
/** Fields of the session and of the driver, which say nothing about a command. */
const SESSION =
  /^(?:lsid|\$.*|txnNumber|autocommit|startTransaction|readConcern|writeConcern|cursor|apiVersion|clientOperationKey|mayBypassWriteBlocking)$/;
/** Values of extended JSON, such as {"$oid": "…"}. */
const EXTENDED =
  /^\$(?:oid|date|uuid|binary|numberLong|numberInt|numberDouble|numberDecimal|timestamp|regularExpression|minKey|maxKey)$/;

/**
 * A command with "?" instead of its values, as JSON: the same for all executions that differ only in these. The name of its
 * collection, which is the first value, is kept.
 */
export function commandShape(command: Readonly<Record<string, unknown>>): string {
  const [first, ...others] = Object.entries(command).filter(([name]) => !SESSION.test(name));
  if (!first) return "{}";
  const [name, target] = first;
  const kept = typeof target === "string" ? target : shapeOf(target);
  const shape = Object.fromEntries(others.map(([key, value]) => [key, shapeOf(value)]));
  return JSON.stringify({ [name]: kept, ...shape }).slice(0, CHARS_MAX);
}

/** Of a list, the different shapes of its items. Commands were parsed with a limit of their depth. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const shapes = value.map(shapeOf);
    return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
  }
  if (typeof value !== "object" || value === null) return "?";
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only && EXTENDED.test(only[0])) return "?";
  return Object.fromEntries(entries.map(([key, item]) => [key, shapeOf(item)]));
}
