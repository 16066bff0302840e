/** The syntax of ECS `data_stream.dataset`, so that a dataset can name an Elasticsearch data stream. */
export const DATASET = /^[a-z0-9][a-z0-9_.]{0,99}$/;
export const DATASET_HINT =
  "give a name of at most 100 lower-case letters, digits, dots and _, such as shop.orders";

/** Where a caller has a permission: everywhere, or in datasets whose names match a pattern. */
export type Scope = "all" | readonly string[];

/** Whether a dataset is in a scope; `*` in a pattern matches any characters. */
export const covers = (scope: Scope, dataset: string): boolean =>
  scope === "all" || scope.some((pattern) => matchesPattern(pattern, dataset));

/** Time is linear in the length of the name times the number of stars. */
function matchesPattern(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

const NAME_LENGTH_MAX = 100;

/** The nearest name of a dataset: in lower case, with `_` for characters that it cannot have. Undefined for an empty text. */
export function nearestDataset(text: string): string | undefined {
  if (DATASET.test(text)) return text;
  const name = text
    .slice(0, NAME_LENGTH_MAX)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.]+/g, "_")
    .replace(/^[_.]+/, "");
  return DATASET.test(name) ? name : undefined;
}
