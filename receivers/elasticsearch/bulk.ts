import { createHash } from "node:crypto";

import { Slices } from "#platform/slices.ts";

import type { Delivery, Names, DocumentGroup } from "../delivery/delivery.ts";
import { judgeDocument, type Refusal } from "../delivery/document.ts";
import type { PackTable } from "../packing/pack-table.ts";
import type { Kind, Packer, Scanned } from "../packing/packer.ts";
import { type Action, type BulkItem, BulkReader } from "./bulk-body.ts";
import { BulkResults, CREATED, type ItemResult } from "./bulk-results.ts";
import { datasetOfIndex } from "./index-name.ts";

/** Elasticsearch's types of errors. */
const ERROR_TYPES: Record<Refusal["code"], { type: string; status: number }> = {
  no_json: { type: "document_parsing_exception", status: 400 },
  too_large: { type: "illegal_argument_exception", status: 413 },
  too_many_fields: { type: "document_parsing_exception", status: 400 },
  damaged: { type: "document_parsing_exception", status: 400 },
  forbidden: { type: "security_exception", status: 403 },
};

/** What packs the documents of this shipper. */
export type Packing = { packer: Packer; table: PackTable };

/**
 * Adds the documents of a bulk request to the delivery, in slices between which other requests are handled.
 * @throws AppError bad_request if the request is malformed
 */
export async function addBulk(
  delivery: Delivery,
  { body, indexOfPath }: { body: Buffer; indexOfPath: string },
  { packer, table }: Packing,
): Promise<BulkResults> {
  const results = new BulkResults();
  const namesOf = namesByIndex();
  const reader = new BulkReader(body, indexOfPath);
  const packed = new PackedItems(delivery, results);
  const slices = new Slices();
  let packing = packer.open(table, body);
  let isPacking = true;
  let learnt: Action | undefined;
  for (;;) {
    if (slices.isOver) {
      await slices.pause();
      // Other requests of the shipper may have used the memory, and have taught the table another action.
      isPacking = packer.has(table);
      packing = packer.open(table, body);
      learnt = undefined;
    }
    if (learnt && table.isUseful) {
      const scanned = packing.pack(reader.at);
      packed.add(scanned, { action: learnt, names: namesOf(learnt.index) });
      reader.skip(scanned.count, scanned.next);
      if (scanned.count > 0) continue;
    }
    const item = reader.next();
    if (!item) return results;
    const { action, document, line } = item;
    const result = addItem(delivery, item, namesOf(action.index));
    results.add(action, result);
    const isPackable = isPacking && result === CREATED && action.id === undefined;
    if (isPackable && document && table.learn(line, document)) learnt = action;
  }
}

/** Packed items of a request. */
class PackedItems {
  readonly #delivery: Delivery;
  readonly #results: BulkResults;
  /** By kind and index. */
  readonly #groups = new Map<string, DocumentGroup | Refusal>();

  constructor(delivery: Delivery, results: BulkResults) {
    this.#delivery = delivery;
    this.#results = results;
  }

  add({ kinds, kindOf }: Scanned, { action, names }: { action: Action; names: Names }): void {
    const groups = kinds.map((kind) => this.#groupOf(kind, names));
    for (const [index, kind] of kinds.entries()) {
      const group = groups[index];
      if (!group || "code" in group) continue;
      this.#delivery.countDocuments(kind.count);
      group.blocks.push(kind.block());
      group.bytes += kind.documentBytes + kind.count;
      group.events += kind.count;
    }
    for (let first = 0, next = 0; first < kindOf.length; first = next) {
      const group = groups[kindOf[first] ?? 0];
      for (next = first; next < kindOf.length && groups[kindOf[next] ?? 0] === group;) next += 1;
      if (!group || !("code" in group)) this.#results.add(action, CREATED, next - first);
      else {
        for (let n = first; n < next; n += 1) {
          this.#results.add(action, refused(this.#delivery.refuse(group)));
        }
      }
    }
  }

  #groupOf({ key, first }: Kind, names: Names): DocumentGroup | Refusal {
    const about = `${key} ${names.stream}`;
    const known = this.#groups.get(about);
    if (known) return known;
    const judged = judgeDocument(first);
    const group = judged.ok ? this.#delivery.packedGroup(judged.fields, names) : judged.refusal;
    this.#groups.set(about, group);
    return group;
  }
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
  if (added === undefined) return CREATED;
  if (added !== "repeated") return refused(added);
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

function refused({ code, message }: Refusal): ItemResult {
  const { type, status } = ERROR_TYPES[code];
  return failed(status, type, message);
}

const failed = (status: number, type: string, reason: string): ItemResult => ({
  status,
  error: { type, reason },
});
