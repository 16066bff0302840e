import { createHmac } from "node:crypto";

import type { Batch } from "#collectors/batch.ts";
import { IdMap } from "#collectors/derive/id-map.ts";
import type { TextField } from "#collectors/fields.ts";
import { isWordByte } from "#collectors/redaction/text.ts";

import { datasetMatcher, type Processing } from "./processing.ts";
import type { Salt } from "./salt.ts";

const PREFIX = "hash:";
const HASH_CHARACTERS = 20;
const HASHED = new RegExp(`^${PREFIX}[0-9a-f]{${HASH_CHARACTERS}}$`);

type Rule = { has(dataset: string): boolean; fields: readonly TextField[] };
const NO_FIELDS: readonly TextField[] = [];

/**
 * Replaces values of fields by hashes with a rotating salt, in the fields and wherever the original line has the same value as a
 * word. Equal values have equal hashes until the salt changes.
 */
export class BatchHasher {
  readonly #batch: Batch;
  readonly #salt: Salt;
  readonly #rules: readonly Rule[];
  /** The fields that are hashed in each dataset, by its number. */
  readonly #byDataset: (readonly TextField[])[] = [NO_FIELDS];
  /** The numbers of the hashes of values. */
  readonly #hashes = new Map<TextField, IdMap>();
  #hasHashed = false;

  constructor(batch: Batch, { hash }: Pick<Processing, "hash">, salt: Salt) {
    this.#batch = batch;
    this.#salt = salt;
    this.#rules = hash.map(({ datasets, fields }) => ({ has: datasetMatcher(datasets), fields }));
  }

  /** Whether values of this batch were hashed, which may still be in its dictionaries. */
  get hasHashed(): boolean {
    return this.#hasHashed;
  }

  hash(fromRow: number, toRow: number): void {
    const datasets = this.#batch.text("data_stream.dataset");
    for (let id = this.#byDataset.length; id <= datasets.size; id += 1) {
      const name = datasets.text(id);
      this.#byDataset[id] = this.#rules.find(({ has }) => has(name))?.fields ?? NO_FIELDS;
    }
    if (this.#byDataset.every((fields) => fields.length === 0)) return;
    const fieldsOf = (row: number): readonly TextField[] =>
      this.#byDataset[datasets.ids[row] ?? 0] ?? NO_FIELDS;
    this.#hashLines(fromRow, toRow, fieldsOf);
    for (let row = fromRow; row < toRow; row += 1) {
      for (const field of fieldsOf(row)) {
        const { ids } = this.#batch.text(field);
        if (ids[row] === 0) continue;
        ids[row] = this.#hashOf(field, ids[row] ?? 0);
        this.#batch.storeLine(row);
        this.#hasHashed = true;
      }
    }
  }

  #hashLines(
    fromRow: number,
    toRow: number,
    fieldsOf: (row: number) => readonly TextField[],
  ): void {
    this.#batch.lines.replace(fromRow, toRow, (row, { bytes, start, end }) => {
      let line: Buffer | undefined;
      for (const field of fieldsOf(row)) {
        const column = this.#batch.text(field);
        const id = column.ids[row] ?? 0;
        if (id === 0) continue;
        const value = column.text(id);
        const hash = column.text(this.#hashOf(field, id));
        if (value === hash) continue;
        line ??= Buffer.from(bytes.subarray(start, end));
        for (const form of formsOf(value)) line = replaceWord(line, Buffer.from(form), hash);
      }
      return line;
    });
  }

  #hashOf(field: TextField, id: number): number {
    let hashes = this.#hashes.get(field);
    if (!hashes) this.#hashes.set(field, (hashes = new IdMap()));
    hashes.grow(id);
    const known = hashes.ids[id] ?? 0;
    if (known !== 0) return known;
    const column = this.#batch.text(field);
    const value = column.text(id);
    const hash = HASHED.test(value)
      ? id
      : column.internText(
          PREFIX +
            createHmac("sha256", this.#salt.current())
              .update(value)
              .digest("hex")
              .slice(0, HASH_CHARACTERS),
        );
    hashes.ids[id] = hash;
    return hash;
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#byDataset.length = 1;
    this.#hasHashed = false;
    for (const hashes of this.#hashes.values()) hashes.reset();
  }
}

/** A value as lines may have it: as it is, in JSON, percent-encoded, and as nginx escapes it. */
function formsOf(value: string): Set<string> {
  const escaped = value.replaceAll(/["\\]|[^ -~]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
  const encoded = value.isWellFormed() ? encodeURIComponent(value) : value;
  return new Set([value, JSON.stringify(value).slice(1, -1), encoded, escaped]);
}

/** Replaces the value where it is not a part of a longer word. */
function replaceWord(line: Buffer, value: Buffer, replacement: string): Buffer {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = line.indexOf(value); at >= 0; at = line.indexOf(value, at + 1)) {
    const end = at + value.length;
    const isInWord =
      (isWordByte(line[at - 1]) && isWordByte(value[0])) ||
      (isWordByte(line[end]) && isWordByte(value.at(-1)));
    if (isInWord || at < from) continue;
    parts.push(line.subarray(from, at), Buffer.from(replacement));
    from = end;
  }
  return parts.length === 0 ? line : Buffer.concat([...parts, line.subarray(from)]);
}
