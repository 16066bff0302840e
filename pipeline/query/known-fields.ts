import { AppError } from "#platform/errors.ts";

import type { Filter, StoreFilter } from "../filter.ts";
import { type Mention, parseMentions } from "../query-language.ts";
import type { EventReader } from "../store/port.ts";
import { isColumn, KNOWN_NAMES, nearestName, resolveField } from "./names.ts";
import { wrong } from "./scanner.ts";

const ALL_TIMES = { fromMs: -8.64e15, toMs: 8.64e15 };
/** The newest events, whose fields are known without another question. */
const SAMPLE_EVENTS = 100;

/** Where fields are looked up: a store, and the events that the reader may see. */
export type FieldLookup = { store: Pick<EventReader, "search">; scope?: StoreFilter };

/**
 * Parses a query, and checks that each field without a column occurs in an event: a search by a mistyped name would find
 * nothing without a reason. A name in quotes is not checked, so that a query may be written before the first event.
 * @throws AppError bad_request with the column, and the nearest name
 */
export async function parseKnownQuery(text: string, lookup: FieldLookup): Promise<Filter> {
  const { filter, mentions } = parseMentions(text);
  const unknown = await unknownOf(mentions, lookup);
  if (!unknown) return filter;
  const { name, at, reason } = unknown;
  throw wrong(at, `${reason} To search for a text with a colon, quote it: "${name}:…"`);
}

/** The ECS name of a field. @throws AppError bad_request if no event has it, with the nearest name */
export async function knownField(name: string, lookup: FieldLookup): Promise<string> {
  const unknown = await unknownOf([{ name, at: 0 }], lookup);
  if (!unknown) return resolveField(name);
  throw wrong(0, unknown.reason);
}

/** The first field that no event has. */
async function unknownOf(
  mentions: readonly Mention[],
  { store, scope = [] }: FieldLookup,
): Promise<(Mention & { reason: string }) | undefined> {
  const others = mentions.filter(({ name }) => !isColumn(resolveField(name)));
  if (others.length === 0) return undefined;
  const sample = await store.search({ ...ALL_TIMES, where: scope, limit: SAMPLE_EVENTS });
  if (sample.length === 0) return undefined;
  const names = new Set(sample.flatMap(({ fields }) => Object.keys(fields)));
  for (const mention of others) {
    const { name } = mention;
    if (names.has(name) || (await isInSomeEvent(name, { store, scope }))) continue;
    return { ...mention, reason: reasonOf(name, [...KNOWN_NAMES, ...names]) };
  }
  return undefined;
}

async function isInSomeEvent(field: string, { store, scope = [] }: FieldLookup): Promise<boolean> {
  const where: StoreFilter = [{ field, op: "exists" }, ...scope];
  try {
    return (await store.search({ ...ALL_TIMES, where, limit: 1 })).length > 0;
  } catch (error) {
    // A lookup that takes too long proves nothing.
    if (error instanceof AppError && error.code === "unavailable") return true;
    throw error;
  }
}

function reasonOf(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest === undefined) return `there is no field ${name}.`;
  return nearest.toLowerCase() === name.toLowerCase()
    ? `there is no field ${name}, but ${nearest}: upper and lower case differ.`
    : `there is no field ${name}: did you mean ${nearest}?`;
}
