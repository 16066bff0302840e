import { documentOf, type OtlpDocument, type Shared } from "#pipeline/otlp/documents.ts";

import type { DocumentGroup } from "../delivery/delivery.ts";
import type { Refusal } from "../delivery/document.ts";
import type { AddedRecords } from "./added-records.ts";
import { decodeRecord } from "./decode.ts";
import { simpleAttributes } from "./simple-attributes.ts";

/** How documents with certain attributes begin, and where they are added once one of them is. */
export type AttributeText = {
  text: string;
  place: { found: OtlpDocument } | { group: DocumentGroup | Refusal };
};

/** Names of fields that are written after the attributes. */
const WRITTEN_AFTER = [
  "@timestamp",
  "log.level",
  "event.severity",
  "event.action",
  "trace.id",
  "span.id",
  "message",
];
const KNOWN_MAX = 64;
const KNOWN_BYTES_MAX = 4_096;

/** The attributes of the records of a scope: records often have the same as others. */
export class AttributeTexts {
  readonly #shared: Shared;
  readonly #body: Buffer;
  readonly #records: AddedRecords;
  readonly #known = new Map<string, AttributeText | undefined>();
  #last: { start: number; end: number; found: AttributeText | undefined } | undefined;

  constructor(shared: Shared, { body, records }: { body: Buffer; records: AddedRecords }) {
    this.#shared = shared;
    this.#body = body;
    this.#records = records;
  }

  /**
   * Of the attributes in [start, end) of the body, with their tags; undefined if such documents are unusual.
   * @throws AppError if they are invalid
   */
  find(start: number, end: number): AttributeText | undefined {
    if (this.#last && this.#isEqual(this.#last, { start, end })) return this.#last.found;
    const found = this.#findOther(start, end);
    this.#last = { start, end, found };
    return found;
  }

  /** Streams are in the order in which their first events were added. */
  groupOf(known: AttributeText): DocumentGroup | Refusal {
    if ("group" in known.place) return known.place.group;
    const group = this.#records.groupFor(known.place.found);
    known.place = { group };
    return group;
  }

  #isEqual(a: { start: number; end: number }, b: { start: number; end: number }): boolean {
    if (a.end - a.start !== b.end - b.start) return false;
    const body = this.#body;
    const distance = b.start - a.start;
    // The last attributes differ first.
    for (let i = a.end - 1; i >= a.start; i -= 1) if (body[i] !== body[i + distance]) return false;
    return true;
  }

  #findOther(start: number, end: number): AttributeText | undefined {
    if (end - start > KNOWN_BYTES_MAX) return this.#read(start, end);
    const key = this.#body.toString("latin1", start, end);
    if (this.#known.has(key)) return this.#known.get(key);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    const found = this.#read(start, end);
    this.#known.set(key, found);
    return found;
  }

  #read(start: number, end: number): AttributeText | undefined {
    const attributes = simpleAttributes(this.#body, { start, end });
    const record = attributes ? { attributes } : decodeRecord(this.#body.subarray(start, end));
    if (!record) return undefined;
    const found = documentOf(this.#shared, record);
    const { document, uid } = found;
    if (uid !== undefined || WRITTEN_AFTER.some((name) => name in document)) return undefined;
    const text = JSON.stringify(document).slice(0, -1);
    return { text: text === "{" ? text : `${text},`, place: { found } };
  }
}
