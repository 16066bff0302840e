import { DOCUMENT_BYTES, ITEMS_MAX, OUTPUT } from "../layout";

/** The codes of the document that is read, and the places of the values of its codes. */
export const CODES: usize = 64;
export const CODES_MAX: usize = 48;
export const VALUES: usize = 128;

/** Its message. 16 bytes are written at a time. */
export const MESSAGE: usize = DOCUMENT_BYTES + 4 * ITEMS_MAX;
export const MESSAGE_BYTES_MAX: usize = 32_768;

// Bits of the names of members that are no parts.
export const TIME_BIT: u32 = 1;
export const MESSAGE_BIT: u32 = 2;
export const LOG_BIT: u32 = 4;
export const OFFSET_BIT: u32 = 8;

/** Where the output is full. */
export const OUTPUT_END: usize = OUTPUT + 1_048_576;
