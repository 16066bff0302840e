import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { knownField, parseKnownQuery } from "#pipeline/query/known-fields.ts";
import { otherCases, otherCaseText } from "#pipeline/query/value-case.ts";
import type { EventReader } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";

type Searchable = Pick<EventReader, "search">;

/** Parses `--where`. @throws AppError with the text, and a mark below the mistake */
export async function checkedQuery(text: string, store: Searchable): Promise<Filter> {
  try {
    return await parseKnownQuery(text, { store });
  } catch (error) {
    throw marked("--where", text, error);
  }
}

/** Prints values of `--where` that occur only in another case: the answer itself is not changed. */
export async function printOtherCases(
  where: Filter,
  { store, range }: { store: Pick<EventReader, "search" | "facets">; range: TimeRange },
): Promise<void> {
  if (where.length === 0) return;
  const isEmpty = (await store.search({ ...range, where, limit: 1 })).length === 0;
  for (const it of await otherCases(where, { store, range, isEmpty })) {
    process.stderr.write(`quarterdeck: --where: ${printable(otherCaseText(it))}\n`);
  }
}

/** The ECS name of the field of `--by`. @throws AppError with the nearest name if no event has it */
export async function checkedField(
  name: string | undefined,
  store: Searchable,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  try {
    return await knownField(name, { store });
  } catch (error) {
    throw marked("--by", name, error);
  }
}

function marked(option: string, text: string, error: unknown): unknown {
  const column = error instanceof AppError && /^column (\d+): /.exec(error.message);
  if (!column) return error;
  const mark = " ".repeat(Number(column[1]) - 1);
  // A long or multi-line query would move the mark away from the mistake.
  const picture = text.length <= 200 && !text.includes("\n") ? `\n  ${text}\n  ${mark}^` : "";
  return new AppError("bad_request", `${option}: ${error.message}${picture}`, { cause: error });
}
