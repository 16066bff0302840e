/**
 * Where the WebAssembly module that packs documents finds its input and writes its results: byte offsets in its memory. The module
 * is compiled from this file too.
 */

// Results of a scan.
/** The number of items that were packed. */
export const ITEMS = 0;

// 64 to 1023 is memory of the module itself.

/** For each item the sum of the numbers of its parts, where its line ends in the output, and the bytes of its document. */
export const ITEMS_MAX = 8192;
export const SUMS = 1024;
export const LINE_ENDS = SUMS + 4 * ITEMS_MAX;
export const DOCUMENT_BYTES = LINE_ENDS + 4 * ITEMS_MAX;

/** After them is memory of the module itself. */
const OWN_BYTES = 33_792;

// Tables, one for each shipper: its action, and its parts by the hash of their first 8 bytes.
export const TABLES = DOCUMENT_BYTES + 4 * ITEMS_MAX + OWN_BYTES;
export const TABLES_MAX = 16;
export const TABLE_BYTES = 65_536;
export const ACTION_BYTES = 0;
export const ACTION = 64;
export const ACTION_BYTES_MAX = 896;
export const HEADS = 1024;
export const HEADS_COUNT = 256;
export const ENTRIES = 2048;
export const ENTRY_BYTES = 32;
export const PART_BYTES = 4096;
/** After the parts of a table, because 16 bytes are read at a time. */
export const SPARE_BYTES = 64;

// In an entry: address, length, number, which bit its name has, the next entry with the same hash, and whether it is in `log`.
export const ENTRY_AT = 0;
export const ENTRY_LENGTH = 4;
export const ENTRY_NUMBER = 8;
export const ENTRY_BIT = 12;
export const ENTRY_NEXT = 16;
export const ENTRY_SCOPE = 20;

export const HASH_LOW = 0x9e3779b1;
export const HASH_HIGH = 0x85ebca77;

/** The bits below are those of the names of members that are no parts. */
export const FIRST_PART_BIT = 4;

export const INPUT = TABLES + TABLES_MAX * TABLE_BYTES;
export const INPUT_BYTES = 1_048_576;
export const OUTPUT = INPUT + INPUT_BYTES + 1024;
const OUTPUT_BYTES = 1_048_576;
export const MEMORY_BYTES = OUTPUT + OUTPUT_BYTES + 65_536;
