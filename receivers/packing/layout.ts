/**
 * Where the WebAssembly module that packs documents finds its input and writes its results: byte offsets in its memory. The module
 * is compiled from this file too.
 */

// Results of a scan: the numbers of documents that were packed and of their kinds, and the kind of each document, in one byte.
export const DOCUMENTS = 0;
export const KINDS = 4;
/** @public for the module */
export const DOCUMENTS_MAX = 8192;
export const KIND_OF = 1024;

// 64 to 767 and 832 to 1023 is memory of the module itself.

/** The checksum of a body. */
export const CHECKSUM = 768;
export const CHECKSUM_BYTES = 64;

// For each kind: the sum of the meanings of its parts, which parts occur in its documents, where its messages and members end, the
// number and the bytes of its documents, and where the first one is.
export const RESULTS = KIND_OF + DOCUMENTS_MAX;
/** @public for the module */
export const KINDS_MAX = 32;
export const RESULT_BYTES = 64;
export const RESULT_MEANING = 0;
export const RESULT_PARTS = 8;
export const RESULT_MESSAGES_END = 24;
export const RESULT_MEMBERS_END = 28;
export const RESULT_COUNT = 32;
export const RESULT_DOCUMENT_BYTES = 36;
export const RESULT_FIRST = 40;
export const RESULT_FIRST_BYTES = 44;

// Tables, one for each shipper: its action, and its parts by the hash of their first 8 bytes.
export const TABLES = RESULTS + KINDS_MAX * RESULT_BYTES;
export const TABLES_MAX = 16;
export const TABLE_BYTES = 65_536;
export const ACTION_BYTES = 0;
export const ACTION = 64;
export const ACTION_BYTES_MAX = 896;
export const HEADS = 1024;
export const HEADS_COUNT = 256;
export const ENTRIES = 2048;
export const ENTRY_BYTES = 32;
export const PART_BYTES = 8192;
/** After the parts of a table, because 16 bytes are read at a time. */
export const SPARE_BYTES = 64;

// In an entry: address, length, which bit its name has, the next entry with the same hash, whether it is in `log`, its code, and a
// number for its meaning.
export const ENTRY_AT = 0;
export const ENTRY_LENGTH = 4;
export const ENTRY_BIT = 8;
export const ENTRY_NEXT = 12;
export const ENTRY_SCOPE = 16;
export const ENTRY_CODE = 20;
export const ENTRY_MEANING = 24;

export const HASH_LOW = 0x9e3779b1;
export const HASH_HIGH = 0x85ebca77;

/** The bits below are those of the names of members that are no parts. */
export const FIRST_PART_BIT = 4;

export const INPUT = TABLES + TABLES_MAX * TABLE_BYTES;
export const INPUT_BYTES = 2_097_152;

// The output of each kind: its messages, and the members of its documents.
export const OUTPUT = INPUT + INPUT_BYTES + 1024;
/** @public for the module */
export const MESSAGES_BYTES = 393_216;
/** @public for the module */
export const MESSAGE_BYTES_MAX = 32_768;
export const MEMBERS = MESSAGES_BYTES + MESSAGE_BYTES_MAX + 1024;
/** @public for the module */
export const MEMBERS_BYTES = 131_072;
export const OUTPUT_BYTES = MEMBERS + MEMBERS_BYTES + 1024;

/** Bodies that are packed where they are; other ones are copied to the input. */
export const BODIES = OUTPUT + KINDS_MAX * OUTPUT_BYTES;
export const BODIES_MAX = 4;
export const BODY_BYTES = 6_291_456;
/** After each body, because more may be read than it has. */
const BODY_SPARE = 4096;
export const BODY_STEP = BODY_BYTES + BODY_SPARE;
export const MEMORY_BYTES = BODIES + BODIES_MAX * BODY_STEP;
