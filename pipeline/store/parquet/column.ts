import { constants } from "node:zlib";

/** Text with a dictionary: row r, of ids.length, has the bytes [ends[id - 1], ends[id]) for id = ids[r], or is null for id 0. */
export type TextData = {
  name: string;
  /** `texts`: several strings per row, joined by LIST_SEPARATOR. `bytes`: not text. */
  kind: "text" | "texts" | "bytes";
  ids: Uint32Array;
  /** Number of dictionary values. */
  size: number;
  bytes: Uint8Array;
  ends: Uint32Array;
};

/** Numbers; NaN is null. `date` is epoch ms, `long` an integer, `boolean` 0 or 1. */
export type NumberData = {
  name: string;
  kind: "long" | "double" | "date" | "boolean";
  values: Float64Array;
};

/**
 * Values in the order of the rows, one after the other: row r has the bytes [starts[r], starts[r] + lengths[r]), or is null
 * if the length is 0. Values do not repeat, so that they need no dictionary.
 */
export type LineData = {
  name: string;
  kind: "text" | "bytes";
  lines: Buffer;
  starts: Uint32Array;
  lengths: Uint32Array;
};

export type ParquetColumn = TextData | NumberData | LineData;

/**
 * Level 1 takes the least time for log lines: faster levels find less, and have more to write. Smaller tables than those of
 * the level stay in the processor's cache, and cost 2 % of the size.
 */
export const ZSTD = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: 18,
    [constants.ZSTD_c_hashLog]: 14,
  },
};

/** Encodings of the Parquet format, by their numbers. */
export const ENCODING = { plain: 0, rle: 3, delta: 5, deltaLength: 6, dictionary: 8 };

/** One page before compression, or after it if `bytesPlain` is set. */
export type Page = {
  isDictionary: boolean;
  /** For a data page the number of values, including nulls; for a dictionary the number of entries. */
  values: number;
  encoding: number;
  bytes: Buffer;
  /** The size of a compressed page before compression. */
  bytesPlain?: number;
};

/** One column of one row group. */
export type Chunk = {
  pages: Page[];
  /** Including nulls; each element of a list counts, and an empty list counts as one. */
  values: number;
  nulls: number;
  /** Minimum and maximum, in the column's physical encoding. */
  bounds?: { min: Buffer; max: Buffer };
};
