import { randomBytes } from "node:crypto";

import type { Action } from "./bulk-body.ts";

type ItemError = { type: string; reason: string };
export type ItemResult = { status: number; result?: string; error?: ItemError };

/** Consecutive items with the same action and result. */
type Run = { action: Action; result: ItemResult; count: number };

const PIECE_LENGTH = 65_536;
const SHARDS = { total: 1, successful: 1, failed: 0 };
export const CREATED: ItemResult = { status: 201, result: "created" };

/** What happened to the items of a request, in their order. */
export class BulkResults {
  hasErrors = false;
  /** Of items. */
  count = 0;
  /** Ingest pipelines that the request named. */
  readonly pipelines = new Set<string>();
  readonly #runs: Run[] = [];

  add(action: Action, result: ItemResult, count = 1): void {
    this.count += count;
    const last = this.#runs.at(-1);
    if (last?.action === action && last.result === result) last.count += count;
    else this.#runs.push({ action, result, count });
    this.hasErrors ||= result.error !== undefined;
    if (action.pipeline !== undefined && action.pipeline !== "_none") {
      this.pipelines.add(action.pipeline);
    }
  }

  /** The response as JSON, in pieces of some 64 KiB. `only`: the fields of items that the request asked for; undefined: all. */
  *text(tookMs: number, only: ReadonlySet<string> | undefined): Generator<string, void> {
    const ids = new IdSequence();
    const isShown = (name: string): boolean => only?.has(name) ?? true;
    let text = `{"took":${tookMs},"errors":${this.hasErrors},"items":[`;
    let separator = "";
    for (const run of this.#runs) {
      const itemOf = itemsOf(run, isShown);
      for (let n = 0; n < run.count; n += 1) {
        text += separator + itemOf(ids);
        separator = ",";
        if (text.length < PIECE_LENGTH) continue;
        yield text;
        text = "";
      }
    }
    yield `${text}]}`;
  }
}

/** The JSON of the next item of a run. */
function itemsOf(
  { action, result }: Run,
  isShown: (name: string) => boolean,
): (ids: IdSequence) => string {
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
  const begin = `{"${action.operation}":{${before}`;
  if (!isShown("_id")) {
    const item = `${begin}${before && after && ","}${after}}}`;
    return () => item;
  }
  const beforeId = `${begin}${before && ","}"_id":`;
  const afterId = `${after && ","}${after}}}`;
  const own = action.id === undefined ? undefined : JSON.stringify(action.id);
  return (ids) => `${beforeId}${own ?? `"${ids.next()}"`}${afterId}`;
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
