import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";

import { EXTRA_FIELD, FIELDS, ORIGINAL_BYTES } from "#collectors/fields.ts";
import { LINE_LAYOUT } from "#collectors/line-layout.ts";

import { checksumOf } from "./checksum.ts";
import { FileVerifier } from "./file-verifier.ts";
import { explained, publish, writeSafe } from "./files.ts";
import type { ParquetColumn } from "./parquet/column.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { SUFFIX } from "./segment-list.ts";

/**
 * A file without rows but with every column is read along with the segments, so that a column that no segment has is
 * null and not an error. Its name depends on its content, because another version may have other fields. It is written
 * again whenever it is missing or damaged.
 */
export class SchemaFile {
  readonly #segments: SegmentFolder;
  #path: string;
  readonly #parts = writeParquet(emptyColumns(), 0, {}).parts;
  readonly #checksum = checksumOf(this.#parts);
  readonly #verifier = new FileVerifier();

  constructor(segments: SegmentFolder) {
    this.#segments = segments;
    const hash = createHash("sha256").update(Buffer.concat(this.#parts)).digest("hex");
    this.#path = join(segments.folder, "schema", `${hash.slice(0, 16)}${SUFFIX}`);
  }

  /** The path of the file, which is complete. */
  async path(): Promise<string> {
    const state = await this.#verifier.verify(this.#path, this.#checksum);
    if (state.kind === "missing" || state.kind === "damaged") await this.#write();
    if (state.kind === "damaged") {
      this.#segments.noteRepaired(this.#path, `${this.#path} was damaged, and was written again`);
    }
    return this.#path;
  }

  /** Beside the store, if that may only be read. */
  async #write(): Promise<void> {
    const { scratch, temporary } = this.#segments;
    const draft = join(temporary, `schema-${randomUUID()}${SUFFIX}`);
    try {
      await writeSafe(draft, this.#parts);
      if (temporary !== scratch) {
        this.#path = draft;
        return;
      }
      await publish(draft, this.#path);
    } catch (error) {
      throw explained(error, this.#segments.folder);
    }
  }
}

function emptyColumns(): ParquetColumn[] {
  const text = {
    ids: new Uint32Array(0),
    size: 0,
    bytes: new Uint8Array(0),
    ends: new Uint32Array(1),
  };
  const columns = Object.entries(FIELDS).map(([name, type]): ParquetColumn => {
    if (type === "keyword") return { name, kind: "text", ...text };
    if (type === "keywords") return { name, kind: "texts", ...text };
    return { name, kind: type, values: new Float64Array(0) };
  });
  const extra: ParquetColumn = { name: EXTRA_FIELD, kind: "text", ...text };
  const original: ParquetColumn = { name: ORIGINAL_BYTES, kind: "bytes", ...text };
  return [...columns, extra, original, { name: LINE_LAYOUT, kind: "text", ...text }];
}
