/**
 * Where the WebAssembly module of plain lines finds its input and writes its results: byte offsets in the memory that it
 * shares with the columns. The module is compiled from this file too.
 */

// Before and after a scan: the number of rows, and of the bytes of their lines.
export const ROWS = 0;
export const LINE_BYTES = 4;

// Results of a scan.
/** Of the last line, if text follows its user agent: the addresses of the line, of that text, and of its end; else 0. */
export const TAILED_LINE = 8;
export const TAIL = 12;
export const TAIL_END = 56;

// Input of a scan.
export const ROWS_MAX = 60;
export const EARLIEST_MS = 16;
export const LATEST_MS = 24;
/** Added to the address of a line, it is the line's offset in the log. */
export const OFFSET_BASE = 32;
export const DATASET = 40;
/** 1 if lines without a tail are not plain. */
export const NEEDS_TAIL = 52;
export const HASH_SEED = 44;
export const HASH_FACTOR = 48;

// Addresses of the values of columns, one per row.
export const TIMES = 64;
export const STATUSES = 68;
export const BODY_BYTES = 72;
export const OFFSETS = 76;
export const LINE_STARTS = 84;
export const LINE_LENGTHS = 88;
/** Address of the bytes of the lines. */
export const LINES = 92;

// 96 to 127 is memory of the module itself.

// Heads of text columns.
export const ADDRESS = 128;
export const USER = 160;
export const METHOD = 192;
export const URL = 224;
export const VERSION = 256;
export const REFERRER = 288;
export const USER_AGENT = 320;
export const DATASET_NAMES = 352;
export const PATH = 384;
export const QUERY = 416;
export const HEAD_BYTES = 32;

// In the head of a text column: addresses, the number of values, and limits.
export const IDS = 0;
export const SIZE = 4;
export const SIZE_MAX = 8;
export const ENDS = 12;
export const SLOTS = 16;
export const SLOT_MASK = 20;
export const VALUES = 24;
export const VALUE_BYTES_MAX = 28;

// Addresses of the numbers of paths and queries, by the numbers of their URLs.
export const PATH_OF_URL = 448;
export const QUERY_OF_URL = 452;

/** Head of the column of layouts (line-layout.ts). */
export const LAYOUTS = 464;
/** Their numbers for lines with the day and zone of the last line; 0 if such lines are stored. */
export const COMBINED_LAYOUT = 496;
export const COMMON_LAYOUT = 500;

// From 512 on, the module keeps the lines that it has parsed.

/** The first byte after the records: the arrays of the columns. */
export const ARRAYS = 4096;
