import type { EcsState } from "../state.ts";
import type { Context } from "./operation.ts";

type Known = NonNullable<ReturnType<EcsState["requests"]["get"]>>;

/** The same for requests that ask for the same, in whatever order their members are. */
export const fingerprintOf = (wanted: object): string =>
  JSON.stringify(sorted({ ...wanted, clientToken: undefined }));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

export const knownRequest = ({ state }: Context, key: string): Known | undefined =>
  state.requests.get(key);

/** What is remembered of a request, so that a repetition creates nothing again. */
export const requestOf = (
  request: { arn: string; fingerprint: string },
  resources: readonly string[],
  { world }: Context,
): Known => ({ ...request, resources: [...resources], atMs: world.nowMs });
