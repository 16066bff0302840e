import type { Batch } from "../batch.ts";
import { IdMap } from "../derive/id-map.ts";
import type { TextField } from "../fields.ts";
import type { TextColumn } from "../text-column.ts";
import { SecretFinder } from "./find-secrets.ts";
import { replacementOf, type SecretKind } from "./kinds.ts";
import { OpenKeys, withoutParts } from "./open-keys.ts";
import { redacted, redactedWithKinds } from "./redact.ts";

/** A kind of secret, and the dataset of the lines that had it. */
export type RedactedName = `${SecretKind} ${string}`;

/** The kinds that are redacted in a dataset; none if it is empty. */
export type KindsOfDataset = (dataset: string) => readonly SecretKind[];

/** Fields without secrets: names that Quarterdeck gives, addresses, and constants. */
const EXEMPT: ReadonlySet<TextField> = new Set<TextField>([
  "data_stream.dataset",
  "log.source.id",
  "log.file.path",
  "source.ip",
  "destination.ip",
  "related.ip",
  "event.kind",
  "event.category",
  "event.type",
  "event.outcome",
  "http.request.method",
  "http.version",
]);

/** What distinguishes the streams of lines in a batch. */
const STREAM_FIELDS: readonly TextField[] = [
  "log.source.id",
  "container.id",
  "host.name",
  "process.name",
];

/** The redacted values of a column: 0 for those without a secret. */
type Values = { readonly map: IdMap; hasSecrets: boolean };

/** One combination of kinds, with the values of the columns that have been examined for them. */
class Redaction {
  readonly finder: SecretFinder;
  readonly hasKeys: boolean;
  readonly values = new Map<TextField, Values>();

  constructor(kinds: readonly SecretKind[]) {
    this.finder = new SecretFinder(new Set(kinds));
    this.hasKeys = kinds.includes("key");
  }

  /** Examines the values that were added since the last call. Undefined if none of the column has a secret. */
  valuesOf(field: TextField, column: TextColumn): Values | undefined {
    let values = this.values.get(field);
    if (!values) this.values.set(field, (values = { map: new IdMap(), hasSecrets: false }));
    const { map } = values;
    const { size } = column;
    for (let id = map.grow(size) + 1; id <= size; id += 1) {
      const { bytes, ends } = column.dictionary;
      const text = redacted(this.finder, bytes, ends[id - 1], ends[id]);
      if (!text) continue;
      values.hasSecrets = true;
      map.ids[id] = column.intern(text, 0, text.length);
    }
    return values.hasSecrets ? values : undefined;
  }

  /** Replaces parts of a value that has been examined. Returns the number of the new value; 0 if it has none of them. */
  replaceParts(field: TextField, id: number, column: TextColumn, parts: readonly string[]): number {
    const values = this.values.get(field);
    const text = values && withoutParts(column.text(id), parts, replacementOf("key"));
    if (!values || text === undefined) return 0;
    const replaced = column.internText(text);
    values.map.ids[id] = replaced;
    values.hasSecrets = true;
    return replaced;
  }

  reset(): void {
    for (const values of this.values.values()) {
      values.map.reset();
      values.hasSecrets = false;
    }
  }
}

/**
 * Replaces secrets in the fields of a batch, once per distinct value, and in its original lines. Rows have to be redacted
 * before anybody else reads them, and `erase` has to be called before the batch is stored.
 */
export class BatchRedactor {
  readonly #batch: Batch;
  readonly #kindsOf: KindsOfDataset;
  readonly #redactions = new Map<string, Redaction>();
  /** How many secrets were redacted in original lines. */
  readonly counts: Record<RedactedName, number> = {};
  readonly #openKeys = new OpenKeys();
  /** By the number of the dataset; undefined if nothing is redacted there. */
  #byDataset: (Redaction | undefined)[] = [undefined];

  constructor(batch: Batch, kindsOf: KindsOfDataset) {
    this.#batch = batch;
    this.#kindsOf = kindsOf;
  }

  redact(fromRow: number, toRow: number): void {
    const inUse = this.#learnDatasets();
    if (inUse.size === 0) return;
    for (const redaction of inUse) this.#redactFields(redaction, fromRow, toRow);
    this.#redactLines(fromRow, toRow);
  }

  /** The redactions of the datasets of the batch. */
  #learnDatasets(): Set<Redaction> {
    const datasets = this.#batch.text("data_stream.dataset");
    const byDataset = this.#byDataset;
    for (let id = byDataset.length; id <= datasets.size; id += 1) {
      byDataset[id] = this.#redactionOf(this.#kindsOf(datasets.text(id)));
    }
    return new Set(byDataset.filter((it) => it !== undefined));
  }

  #redactionOf(kinds: readonly SecretKind[]): Redaction | undefined {
    if (kinds.length === 0) return undefined;
    const key = kinds.toSorted().join();
    let redaction = this.#redactions.get(key);
    if (!redaction) this.#redactions.set(key, (redaction = new Redaction(kinds)));
    return redaction;
  }

  #redactFields(redaction: Redaction, fromRow: number, toRow: number): void {
    const datasets = this.#batch.text("data_stream.dataset").ids;
    const byDataset = this.#byDataset;
    for (const [field, column] of this.#batch.textColumns()) {
      if (column.size === 0 || EXEMPT.has(field)) continue;
      const values = redaction.valuesOf(field, column);
      if (!values) continue;
      const { ids } = values.map;
      for (let row = fromRow; row < toRow; row += 1) {
        const value = ids[column.ids[row]!] ?? 0;
        if (value === 0 || byDataset[datasets[row]!] !== redaction) continue;
        column.ids[row] = value;
        this.#batch.storeLine(row);
      }
    }
  }

  #redactLines(fromRow: number, toRow: number): void {
    const datasets = this.#batch.text("data_stream.dataset").ids;
    const layouts = this.#batch.layouts.ids;
    this.#batch.lines.replace(fromRow, toRow, (row, { bytes, start, end }) => {
      // Such a line consists of its fields, none of which had a secret.
      if (layouts[row] !== 0) return undefined;
      const redaction = this.#byDataset[datasets[row]!];
      if (!redaction) return undefined;
      const found = redactedWithKinds(redaction.finder, { bytes, start, end });
      for (const kind of found?.kinds ?? []) this.#count(kind, row);
      const line = found?.line;
      const mayBeOfKey = redaction.hasKeys && (line !== undefined || !this.#openKeys.isEmpty);
      const kept = mayBeOfKey
        ? this.#withoutKey(redaction, row, { original: bytes.subarray(start, end), line })
        : line;
      if (kept) this.#batch.storeLine(row);
      return kept;
    });
  }

  /** The redacted line, also if it is one of a key that began in an earlier line, whose fields are redacted too. */
  #withoutKey(
    redaction: Redaction,
    row: number,
    { original, line }: { original: Uint8Array; line: Buffer | undefined },
  ): Buffer | undefined {
    const stream = this.#streamOf(row);
    const parts = this.#openKeys.partsOf(stream, original);
    if (line) this.#openKeys.note(stream, original);
    if (parts.length === 0) return line;
    for (const [field, column] of this.#batch.textColumns()) {
      const id = column.ids[row] ?? 0;
      if (id === 0 || EXEMPT.has(field)) continue;
      const replaced = redaction.replaceParts(field, id, column, parts);
      if (replaced !== 0) column.ids[row] = replaced;
    }
    this.#count("key", row);
    const text = Buffer.from(line ?? original).toString("latin1");
    const rest = withoutParts(text, parts, replacementOf("key"));
    return rest === undefined ? line : Buffer.from(rest, "latin1");
  }

  #count(kind: SecretKind, row: number): void {
    const datasets = this.#batch.text("data_stream.dataset");
    const name: RedactedName = `${kind} ${datasets.text(datasets.ids[row] ?? 0)}`;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  #streamOf(row: number): string {
    return STREAM_FIELDS.map((field) => {
      const column = this.#batch.text(field);
      return column.text(column.ids[row] ?? 0);
    }).join("\n");
  }

  /** Overwrites secrets that no row has any longer, because the dictionary of a column may be stored whole. */
  erase(): void {
    for (const [field, column] of this.#batch.textColumns()) {
      const maps = [...this.#redactions.values()].flatMap((redaction) => {
        const values = redaction.values.get(field);
        return values?.hasSecrets ? [values.map] : [];
      });
      if (maps.length === 0) continue;
      column.eraseUnused(this.#batch.rows, (id) => maps.some(({ ids }) => ids[id] !== 0));
    }
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#byDataset.length = 1;
    for (const redaction of this.#redactions.values()) redaction.reset();
  }
}
