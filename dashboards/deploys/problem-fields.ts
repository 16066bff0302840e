import type { Problem } from "../api.ts";

/** What is wrong with a field, by its path in the body of the request; undefined if nothing is. */
export function errorOf(problem: Problem | undefined, path: string): string | undefined {
  return problem?.errors?.find((it) => isOf(it.path, path))?.message;
}

/** Why a request was refused as far as no field beside it says so; undefined if they say all. */
export function restOf(problem: Problem | undefined, paths: readonly string[]): string | undefined {
  if (!problem) return undefined;
  const { errors = [], detail, title } = problem;
  const rest = errors.filter((it) => !paths.some((path) => isOf(it.path, path)));
  if (errors.length > 0 && rest.length === 0) return undefined;
  const fields = rest.map(({ path, message }) => `${path.replace(/^body\./, "")}: ${message}`);
  return fields.length > 0 ? fields.join("; ") : (detail ?? title);
}

/** The checks of the schema name the body, those of the deployer do not. */
function isOf(errorPath: string, path: string): boolean {
  const found = errorPath.replace(/^body\./, "");
  return found === path || found.startsWith(`${path}.`);
}
