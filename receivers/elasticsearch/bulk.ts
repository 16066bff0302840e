import { createHash, randomBytes } from "node:crypto";

import type { Delivery, Names } from "../delivery/delivery.ts";
import { judgeDocument, type Refusal } from "../delivery/document.ts";
import { type Action, type BulkItem, bulkItems } from "./bulk-body.ts";
import { datasetOfIndex } from "./index-name.ts";

/** Elasticsearch's types of errors. */
const ERROR_TYPES: Record<Refusal["code"], { type: string; status: number }> = {
  no_json: { type: "document_parsing_exception", status: 400 },
  too_large: { type: "illegal_argument_exception", status: 413 },
  too_many_fields: { type: "document_parsing_exception", status: 400 },
  damaged: { type: "document_parsing_exception", status: 400 },
  forbidden: { type: "security_exception", status: 403 },
};

type ItemError = { type: string; reason: string };
type ItemResult = { status: number; result?: string; error?: ItemError };

/** What happened to the items of a request, in their order. */
export class BulkResults {
  hasErrors = false;
  /** Ingest pipelines that the request named. */
  readonly pipelines = new Set<string>();
  readonly #items: { action: Action; result: ItemResult }[] = [];

  add(action: Action, result: ItemResult): void {
    this.#items.push({ action, result });
    this.hasErrors ||= result.error !== undefined;
    if (action.pipeline !== undefined && action.pipeline !== "_none") {
      this.pipelines.add(action.pipeline);
    }
  }

  /** The response as JSON. `only`: the fields of items that the request asked for; undefined: all. */
  text(tookMs: number, only: ReadonlySet<string> | undefined): string {
    const ids = new IdSequence();
    const items = this.#items.map(({ action, result }) => {
      const { status, error } = result;
      const whole = {
        _index: action.index,
        _id: action.id ?? ids.next(),
        ...(error ? {} : { _version: 1, result: result.result, _shards: SHARDS }),
        ...(error ? {} : { _seq_no: 0, _primary_term: 1 }),
        status,
        ...(error && { error }),
      };
      const shown = only ? Object.entries(whole).filter(([name]) => only.has(name)) : undefined;
      return { [action.operation]: shown ? Object.fromEntries(shown) : whole };
    });
    return JSON.stringify({ took: tookMs, errors: this.hasErrors, items });
  }
}

const SHARDS = { total: 1, successful: 1, failed: 0 };

/** Ids of documents to which the sender gave none. */
class IdSequence {
  readonly #prefix = randomBytes(9).toString("base64url");
  #count = 0;

  next(): string {
    this.#count += 1;
    return `${this.#prefix}${this.#count.toString(36)}`;
  }
}

/** Adds the documents of a bulk request to the delivery. @throws AppError bad_request if the request is malformed */
export function addBulk(delivery: Delivery, body: Buffer, indexOfPath: string): BulkResults {
  const results = new BulkResults();
  const namesOf = namesByIndex();
  for (const item of bulkItems(body, indexOfPath)) {
    results.add(item.action, addItem(delivery, item, namesOf(item.action.index)));
  }
  return results;
}

/** The names of documents by their index: most requests have one. */
function namesByIndex(): (index: string) => Names {
  const known = new Map<string, Names>();
  return (index) => {
    let names = known.get(index);
    if (!names) known.set(index, (names = { stream: index, ...datasetOfIndex(index) }));
    return names;
  };
}

function addItem(delivery: Delivery, { action, document }: BulkItem, names: Names): ItemResult {
  const { operation, index, id } = action;
  if (index === "") {
    return failed(
      400,
      "action_request_validation_exception",
      "Validation Failed: index is missing",
    );
  }
  if (operation === "update" || operation === "delete" || !document) {
    const reason = `${operation} is not supported: stored events are not changed; send create or index`;
    return failed(400, "illegal_argument_exception", reason);
  }
  const judged = judgeDocument(document);
  const added = judged.ok
    ? delivery.addDocument(document, judged.fields, withIdentity(names, action, document))
    : delivery.refuse(judged.refusal);
  if (added === undefined) return { status: 201, result: "created" };
  if (added !== "repeated") {
    const { type, status } = ERROR_TYPES[added.code];
    return failed(status, type, added.message);
  }
  if (operation === "index") return { status: 200, result: "updated" };
  const reason = `[${id}]: version conflict, document already exists (current version [1])`;
  return failed(409, "version_conflict_engine_exception", reason);
}

/**
 * Documents with an id are recognised when they are sent again. A document that is indexed again with other content is kept
 * as another event, because stored events are not changed.
 */
function withIdentity(names: Names, { operation, index, id }: Action, document: Uint8Array): Names {
  if (id === undefined) return names;
  const content = (): string => createHash("sha256").update(document).digest("hex").slice(0, 32);
  const key = operation === "index" ? `${id} ${content()}` : id;
  return { ...names, identity: { group: index, key, id } };
}

const failed = (status: number, type: string, reason: string): ItemResult => ({
  status,
  error: { type, reason },
});
