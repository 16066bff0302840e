/** As ECS has it for `data_stream.dataset`, so that a dataset can be the name of a data stream elsewhere. */
export const DATASET = /^[a-z0-9][a-z0-9_.]{0,99}$/;
export const DATASET_HINT =
  "give a name of at most 100 lower-case letters, digits, dots and _, such as shop.orders";

/** Where a caller holds a permission: everywhere, or in the datasets whose names match one of the patterns. */
export type Scope = "all" | readonly string[];

/** Whether a dataset lies in a scope; `*` in a pattern stands for any run of characters. */
export const covers = (scope: Scope, dataset: string): boolean =>
  scope === "all" || scope.some((pattern) => matchesPattern(pattern, dataset));

/** Takes time linear in the name times the number of stars. */
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
