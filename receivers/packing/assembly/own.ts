/** The codes of the document that is read, and the places of the values of its codes. */
export const CODES: usize = 64;
export const CODES_MAX: usize = 48;
export const VALUES: usize = 128;

// Bits of the names of members that are no parts.
export const TIME_BIT: u32 = 1;
export const MESSAGE_BIT: u32 = 2;
export const LOG_BIT: u32 = 4;
export const OFFSET_BIT: u32 = 8;

/** The largest number of bytes of a time, with its quotes. */
export const TIME_BYTES_MAX: usize = 64;
/** More than the members of a document have. */
export const MEMBERS_SPARE: usize = 512;

/** The last bytes of a body whose checksum is computed. */
export const CHECKSUM_TAIL: usize = 832;
