import type { OtlpDocument } from "#pipeline/otlp/documents.ts";

import type { Delivery, DocumentGroup } from "../delivery/delivery.ts";
import type { Refusal } from "../delivery/document.ts";

/** The log records of a request, as they are added to its delivery in their order. */
export class AddedRecords {
  readonly refused: { line: number; message: string }[] = [];
  readonly #delivery: Delivery;
  #line = 0;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  add({ document, original, dataset, uid, isText }: OtlpDocument): void {
    if (!isText) document["event.original"] ??= original();
    const line = Buffer.from(JSON.stringify(document));
    const identity = uid === undefined ? undefined : { group: "otlp", key: uid };
    const added = this.#delivery.addDocument(line, document, {
      stream: "",
      unread: dataset,
      identity,
    });
    this.#line += 1;
    if (added !== undefined && added !== "repeated") this.#refuse(added);
  }

  /** Where to write records with these fields, which have a time besides. */
  groupFor({ document, dataset }: OtlpDocument): DocumentGroup | Refusal {
    return this.#delivery.documentGroup(document, { stream: "", unread: dataset });
  }

  /** Adds lines of documents to a group. */
  addLines(group: DocumentGroup, lines: Buffer, count: number): void {
    this.#delivery.countDocuments(count, lines.length);
    group.lines.push(lines);
    group.bytes += lines.length;
    group.events += count;
    this.#line += count;
  }

  refuse(refusal: Refusal): void {
    this.#line += 1;
    this.#refuse(this.#delivery.refuse(refusal));
  }

  #refuse({ message }: Refusal): void {
    this.refused.push({ line: this.#line, message });
  }
}
