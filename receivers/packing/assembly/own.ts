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

// The beginnings of members, as the numbers of their bytes.
/** `"@timest` and `amp":"` */
export const TIME_8: u64 = 0x7473656d69744022;
export const TIME_REST: u64 = 0x223a22706d61;
export const TIME_LENGTH: usize = 14;
/** `"message` and `":"` */
export const MESSAGE_8: u64 = 0x6567617373656d22;
export const MESSAGE_REST: u32 = 0x223a22;
export const MESSAGE_LENGTH: usize = 11;
/** `"log":{` */
export const LOG_7: u64 = 0x7b3a22676f6c22;
export const LOG_LENGTH: usize = 7;
/** `"offset"` and `:` */
export const OFFSET_8: u64 = 0x2274657366666f22;
export const OFFSET_LENGTH: usize = 9;
