import { documentOf, type Shared } from "#pipeline/otlp/documents.ts";

import type { DocumentGroup } from "../delivery/delivery.ts";
import type { AddedRecords } from "./added-records.ts";
import { type AttributeText, AttributeTexts } from "./attribute-texts.ts";
import { decodeRecords } from "./decode.ts";
import { ATTRIBUTES } from "./record-fields.ts";
import type { RecordText } from "./record-text.ts";
import type { Field } from "./wire.ts";

/** Documents are added when they have as many characters. */
const RUN_LENGTH_MAX = 1_048_576;
/** Records that are decoded at once. */
const DECODED_MAX = 512;

/**
 * The log records of a scope. Those that have a time, a text as their body, and whose fields are as encoders write them, become
 * documents without being decoded. The others are decoded by the library.
 */
export class ScopeRecords {
  readonly #shared: Shared;
  readonly #text: RecordText;
  readonly #records: AddedRecords;
  readonly #attributes: AttributeTexts;
  /** Documents that are not added yet. */
  #run: { group: DocumentGroup; lines: string; count: number } | undefined;
  /** Records that have to be decoded, which follow each other. */
  #unusual: { start: number; end: number; count: number } | undefined;

  constructor(shared: Shared, { text, records }: { text: RecordText; records: AddedRecords }) {
    this.#shared = shared;
    this.#text = text;
    this.#records = records;
    this.#attributes = new AttributeTexts(shared, { body: text.body, records });
  }

  /** @throws AppError if the record is invalid */
  add({ at, start, end }: Field): void {
    const members = this.#text.read(start, end);
    const attributes = members === undefined ? undefined : this.#attributesFrom(start);
    if (members === undefined || !attributes) {
      this.#unusual ??= { start: at, end, count: 0 };
      this.#unusual.end = end;
      this.#unusual.count += 1;
      if (this.#unusual.count === DECODED_MAX) this.#addUnusual();
      return;
    }
    this.#addUnusual();
    this.#addLine(attributes, members);
  }

  /** To be called after the last record. @throws AppError */
  end(): void {
    this.#addUnusual();
    this.#endRun();
  }

  #attributesFrom(start: number): AttributeText | undefined {
    const { fields } = this.#text;
    if (!fields.has(ATTRIBUTES)) return this.#attributes.find(start, start);
    return this.#attributes.find(fields.starts[ATTRIBUTES] ?? 0, fields.ends[ATTRIBUTES] ?? 0);
  }

  #addUnusual(): void {
    const unusual = this.#unusual;
    if (!unusual) return;
    this.#unusual = undefined;
    this.#endRun();
    const scopeLogs = this.#text.body.subarray(unusual.start, unusual.end);
    for (const record of decodeRecords(scopeLogs)) {
      this.#records.add(documentOf(this.#shared, record));
    }
  }

  #addLine(attributes: AttributeText, members: string): void {
    const group = this.#attributes.groupOf(attributes);
    if ("code" in group) {
      this.#endRun();
      this.#records.refuse(group);
      return;
    }
    if (this.#run?.group !== group) this.#endRun();
    this.#run ??= { group, lines: "", count: 0 };
    this.#run.lines += `${attributes.text}${members}}\n`;
    this.#run.count += 1;
    if (this.#run.lines.length > RUN_LENGTH_MAX) this.#endRun();
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run) this.#records.addLines(run.group, Buffer.from(run.lines), run.count);
  }
}
