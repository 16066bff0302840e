import { FIELD_NAME, Scanner } from "#pipeline/query/scanner.ts";

/** The terms of a query between which AND is meant; with `hasOr`, OR joins some of them. */
type QueryParts = { parts: string[]; hasOr: boolean };

/** Splits a query at the spaces outside quotes and parentheses, as pipeline/query-language.ts reads it. */
export function partsOf(query: string): QueryParts {
  try {
    return scannedParts(query);
  } catch {
    // A quote that is not closed: the server reports it when the query is sent.
    return { parts: query.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [], hasOr: false };
  }
}

function scannedParts(query: string): QueryParts {
  const scanner = new Scanner(query);
  const found: QueryParts = { parts: [], hasOr: false };
  for (;;) {
    scanner.skipSpaces();
    if (scanner.isAtEnd) return found;
    const keyword = scanner.keyword();
    if (keyword === "AND" || keyword === "OR") {
      scanner.take(keyword);
      found.hasOr ||= keyword === "OR";
      continue;
    }
    const { at } = scanner;
    skipPart(scanner);
    found.parts.push(query.slice(at, scanner.at));
  }
}

/** Moves behind a term or a group, with the NOT or the minus before it. */
function skipPart(scanner: Scanner): void {
  const { at } = scanner;
  while (scanner.take("-") || (scanner.keyword() === "NOT" && scanner.take("NOT"))) {
    scanner.skipSpaces();
  }
  if (scanner.take("(")) skipGroup(scanner);
  else skipTerm(scanner);
  // A parenthesis that closes nothing.
  if (scanner.at === at) scanner.at += 1;
}

function skipGroup(scanner: Scanner): void {
  for (;;) {
    scanner.skipSpaces();
    if (scanner.isAtEnd || scanner.take(")")) return;
    skipPart(scanner);
  }
}

function skipTerm(scanner: Scanner): void {
  const { at } = scanner;
  const { text, isQuoted } = scanner.token(true);
  const isField = isQuoted ? text !== "" : FIELD_NAME.test(text);
  const operator = isField ? scanner.operator() : undefined;
  if (operator === undefined || (!isQuoted && operator === ":" && scanner.take("//"))) {
    scanner.at = at;
    scanner.token(false);
  } else if (scanner.take("(")) skipGroup(scanner);
  else if (scanner.range() === undefined) scanner.token(false);
}
