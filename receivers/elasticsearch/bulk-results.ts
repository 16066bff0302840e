import { randomBytes } from "node:crypto";

import type { Action } from "./bulk-body.ts";

type ItemError = { type: string; reason: string };
export type ItemResult = { status: number; result?: string; error?: ItemError };

/** Consecutive items with the same action and result. */
type Run = { action: Action; result: ItemResult; count: number };

const SHARDS = { total: 1, successful: 1, failed: 0 };
export const CREATED: ItemResult = { status: 201, result: "created" };

/** What happened to the items of a request, in their order. */
export class BulkResults {
  hasErrors = false;
  /** Ingest pipelines that the request named. */
  readonly pipelines = new Set<string>();
  readonly #runs: Run[] = [];

  add(action: Action, result: ItemResult, count = 1): void {
    const last = this.#runs.at(-1);
    if (last?.action === action && last.result === result) last.count += count;
    else this.#runs.push({ action, result, count });
    this.hasErrors ||= result.error !== undefined;
    if (action.pipeline !== undefined && action.pipeline !== "_none") {
      this.pipelines.add(action.pipeline);
    }
  }

  /** The response as JSON. `only`: the fields of items that the request asked for; undefined: all. */
  text(tookMs: number, only: ReadonlySet<string> | undefined): string {
    const ids = new IdSequence();
    const isShown = (name: string): boolean => only?.has(name) ?? true;
    const items = this.#runs.map((run) => itemsOf(run, ids, isShown)).join(",");
    return `{"took":${tookMs},"errors":${this.hasErrors},"items":[${items}]}`;
  }
}

/** The items of a run as JSON, with commas between them. */
function itemsOf(
  { action, result, count }: Run,
  ids: IdSequence,
  isShown: (name: string) => boolean,
): string {
  const { status, error } = result;
  const members = (values: Record<string, unknown>): string =>
    Object.entries(values)
      .filter(([name]) => isShown(name))
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(",");
  const before = members({ _index: action.index });
  const after = members(
    error
      ? { status, error }
      : {
          _version: 1,
          result: result.result,
          _shards: SHARDS,
          _seq_no: 0,
          _primary_term: 1,
          status,
        },
  );
  const begin = `{"${action.operation}":{`;
  const item = (id: string | undefined): string => {
    const own = id === undefined ? "" : `"_id":${JSON.stringify(id)}`;
    return `${begin}${[before, own, after].filter(Boolean).join(",")}}}`;
  };
  if (!isShown("_id")) return `${`${item(undefined)},`.repeat(count - 1)}${item(undefined)}`;
  const parts: string[] = [];
  for (let n = 0; n < count; n += 1) parts.push(item(action.id ?? ids.next()));
  return parts.join(",");
}

/** Ids of documents to which the sender gave none. */
class IdSequence {
  readonly #prefix = randomBytes(9).toString("base64url");
  #count = 0;

  next(): string {
    this.#count += 1;
    return `${this.#prefix}${this.#count.toString(36)}`;
  }
}
