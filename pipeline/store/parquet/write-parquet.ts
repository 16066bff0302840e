import { zstdCompressSync } from "node:zlib";

import { type Chunk, ENCODING, type Page, type ParquetColumn, ZSTD } from "./column.ts";
import { encodeLines } from "./encode-lines.ts";
import { encodeNumbers } from "./encode-numbers.ts";
import { encodeText, encodeTexts } from "./encode-text.ts";
import { rowGroupEnds } from "./row-groups.ts";
import { sameTextBefore } from "./same-text.ts";
import { ThriftWriter } from "./thrift.ts";

const MAGIC = Buffer.from("PAR1");
/** In less there is nothing to save, while each compression costs the same for its preparation. */
const COMPRESSED_BYTES_MIN = 128;
/** Compression is used below this share of the plain size, because it costs readers time. */
const COMPRESSED_SHARE_MAX = 0.9;
const CODEC = { none: 0, zstd: 6 };
const PAGE_TYPE = { data: 0, dictionary: 2 };
const PHYSICAL = { boolean: 0, long: 2, date: 2, double: 5, text: 6, texts: 6, bytes: 6 };
const REPETITION = { required: 0, optional: 1, repeated: 2 };
const CONVERTED = { utf8: 0, list: 3, timestampMs: 9 };

/** All bytes of a finished file, in order. */
export type ParquetFile = { parts: Buffer[]; bytes: number };

/**
 * A Parquet file (format version 1, which every reader supports: data pages V1, zstd level 1 if it helps) of the
 * rows [0, rows) of the columns, with key-value metadata in the footer. The text of columns of
 * kind `text` and `texts` must be UTF-8 (see `validText`).
 */
export function writeParquet(
  columns: readonly ParquetColumn[],
  rows: number,
  metadata: Readonly<Record<string, string>>,
): ParquetFile {
  const parts: Buffer[] = [MAGIC];
  let at = MAGIC.length;
  const put = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  const groups: RowGroup[] = [];
  const same = columns.map((_, i) => sameTextBefore(columns, i));
  let from = 0;
  for (const to of rowGroupEnds(columns, rows)) {
    const start = at;
    const packed: PackedChunk[] = [];
    const chunks = columns.map((column, i) => {
      const content = packed[same[i]!] ?? packedChunk(encodeChunk(column, from, to));
      packed.push(content);
      const placed = placeChunk(content, at);
      for (const bytes of placed.parts) put(bytes);
      return { ...placed.meta, column };
    });
    groups.push({ chunks, rows: to - from, bytes: at - start });
    from = to;
  }
  const footer = writeFooter({ columns, rows, groups, metadata });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  for (const bytes of [footer, length, MAGIC]) put(bytes);
  return { parts, bytes: at };
}

function encodeChunk(column: ParquetColumn, from: number, to: number): Chunk {
  if ("values" in column) return encodeNumbers(column, from, to);
  if ("lines" in column) return encodeLines(column, from, to);
  return column.kind === "texts" ? encodeTexts(column, from, to) : encodeText(column, from, to);
}

type ChunkMeta = {
  chunk: Chunk;
  codec: number;
  encodings: number[];
  dictionaryAt: number | undefined;
  dataAt: number;
  bytesPlain: number;
  bytes: number;
};
type RowGroup = {
  chunks: (ChunkMeta & { column: ParquetColumn })[];
  rows: number;
  bytes: number;
};

/** Adds the headers of the pages of a chunk. */
function placeChunk(
  { chunk, bodies, isPacked }: PackedChunk,
  at: number,
): { parts: Buffer[]; meta: ChunkMeta } {
  const parts: Buffer[] = [];
  let end = at;
  let bytesPlain = 0;
  let dictionaryAt: number | undefined;
  let dataAt: number | undefined;
  for (const [i, page] of chunk.pages.entries()) {
    if (page.isDictionary) dictionaryAt = end;
    else dataAt ??= end;
    const body = bodies[i]!;
    const size = page.bytesPlain ?? page.bytes.length;
    const header = pageHeader(page, size, body.length);
    parts.push(header, body);
    end += header.length + body.length;
    bytesPlain += header.length + size;
  }
  const encodings = [...new Set([ENCODING.rle, ...chunk.pages.map((page) => page.encoding)])];
  const codec = isPacked ? CODEC.zstd : CODEC.none;
  const places = { dictionaryAt, dataAt: dataAt ?? at, bytesPlain, bytes: end - at };
  return { parts, meta: { chunk, codec, encodings, ...places } };
}

type PackedChunk = { chunk: Chunk; bodies: Buffer[]; isPacked: boolean };

/** Compresses the pages of a chunk, unless that saves little. */
function packedChunk(chunk: Chunk): PackedChunk {
  const { pages } = chunk;
  const plain = pages.map((page) => page.bytes);
  if (pages.some((page) => page.bytesPlain !== undefined))
    return { chunk, bodies: plain, isPacked: true };
  const packed = total(plain) < COMPRESSED_BYTES_MIN ? plain : plain.map(compressed);
  const isPacked = total(packed) < total(plain) * COMPRESSED_SHARE_MAX;
  // The bytes of the plain pages are valid until the next column is encoded.
  const bodies = isPacked ? packed : plain.map((bytes) => Buffer.from(bytes));
  return { chunk, bodies, isPacked };
}

/** With space for any result, zstd compresses from one buffer into the other, without copies in between. */
function compressed(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, { ...ZSTD, chunkSize: bytes.length + (bytes.length >> 7) + 512 });
}

function total(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function pageHeader(page: Page, bytesPlain: number, bytes: number): Buffer {
  const header = new ThriftWriter(64);
  header.int(1, page.isDictionary ? PAGE_TYPE.dictionary : PAGE_TYPE.data);
  header.int(2, bytesPlain);
  header.int(3, bytes);
  header.struct(page.isDictionary ? 7 : 5, () => {
    header.int(1, page.values);
    header.int(2, page.encoding);
    if (page.isDictionary) return;
    header.int(3, ENCODING.rle);
    header.int(4, ENCODING.rle);
  });
  return header.end();
}

type FileParts = {
  columns: readonly ParquetColumn[];
  rows: number;
  groups: readonly RowGroup[];
  metadata: Readonly<Record<string, string>>;
};

function writeFooter({ columns, rows, groups, metadata }: FileParts): Buffer {
  const footer = new ThriftWriter(4096);
  footer.int(1, 1);
  footer.structs(2, schemaOf(columns), (element) => writeElement(footer, element));
  footer.int(3, rows, "i64");
  footer.structs(4, groups, (group) => {
    footer.structs(1, group.chunks, (chunk) => {
      footer.int(2, chunk.dictionaryAt ?? chunk.dataAt, "i64");
      footer.struct(3, () => writeChunkMeta(footer, chunk, chunk.column));
    });
    footer.int(2, group.bytes, "i64");
    footer.int(3, group.rows, "i64");
  });
  footer.structs(5, Object.entries(metadata), ([key, value]) => {
    footer.binary(1, key);
    footer.binary(2, value);
  });
  footer.binary(6, "quarterdeck");
  footer.structs(7, columns, () => footer.struct(1, () => undefined));
  return footer.end();
}

function writeChunkMeta(footer: ThriftWriter, meta: ChunkMeta, column: ParquetColumn): void {
  footer.int(1, PHYSICAL[column.kind]);
  footer.ints(2, meta.encodings);
  footer.strings(3, column.kind === "texts" ? [column.name, "list", "element"] : [column.name]);
  footer.int(4, meta.codec);
  footer.int(5, meta.chunk.values, "i64");
  footer.int(6, meta.bytesPlain, "i64");
  footer.int(7, meta.bytes, "i64");
  footer.int(9, meta.dataAt, "i64");
  if (meta.dictionaryAt !== undefined) footer.int(11, meta.dictionaryAt, "i64");
  footer.struct(12, () => {
    footer.int(3, meta.chunk.nulls, "i64");
    if (!meta.chunk.bounds) return;
    footer.binary(5, meta.chunk.bounds.max);
    footer.binary(6, meta.chunk.bounds.min);
  });
}

type Element = {
  name: string;
  repetition?: number;
  type?: number;
  children?: number;
  converted?: number;
  isUtcMs?: boolean;
};

function schemaOf(columns: readonly ParquetColumn[]): Element[] {
  const root: Element = { name: "event", children: columns.length };
  return [root, ...columns.flatMap(elementsOf)];
}

function elementsOf({ name, kind }: ParquetColumn): Element[] {
  const type = PHYSICAL[kind];
  const { optional, repeated, required } = REPETITION;
  if (kind === "texts") {
    return [
      { name, repetition: optional, children: 1, converted: CONVERTED.list },
      { name: "list", repetition: repeated, children: 1 },
      { name: "element", repetition: required, type, converted: CONVERTED.utf8 },
    ];
  }
  const element: Element = { name, repetition: optional, type };
  if (kind === "text") return [{ ...element, converted: CONVERTED.utf8 }];
  if (kind === "date") return [{ ...element, converted: CONVERTED.timestampMs, isUtcMs: true }];
  return [element];
}

function writeElement(footer: ThriftWriter, element: Element): void {
  if (element.type !== undefined) footer.int(1, element.type);
  if (element.repetition !== undefined) footer.int(3, element.repetition);
  footer.binary(4, element.name);
  if (element.children !== undefined) footer.int(5, element.children);
  if (element.converted !== undefined) footer.int(6, element.converted);
  if (!element.isUtcMs) return;
  footer.struct(10, () => {
    footer.struct(8, () => {
      footer.bool(1, true);
      footer.struct(2, () => footer.struct(1, () => undefined));
    });
  });
}
