/** Where the fields of a parsed line are in its record. */
export const MS: usize = 0;
export const STATUS: usize = 8;
export const SIZE_SENT: usize = 16;
export const LINE: usize = 24;
/** The end of the line without its CR, and with it. */
export const END: usize = 28;
export const LINE_END: usize = 32;
export const ADDRESS_AT: usize = 36;
export const ADDRESS_LENGTH: usize = 40;
export const ADDRESS_HASH: usize = 44;
export const USER_AT: usize = 48;
export const USER_LENGTH: usize = 52;
export const METHOD_AT: usize = 56;
export const METHOD_LENGTH: usize = 60;
export const URL_AT: usize = 64;
export const URL_LENGTH: usize = 68;
export const URL_HASH: usize = 72;
export const VERSION_AT: usize = 76;
export const REFERRER_AT: usize = 80;
export const REFERRER_LENGTH: usize = 84;
export const REFERRER_HASH: usize = 88;
export const USER_AGENT_AT: usize = 92;
export const USER_AGENT_LENGTH: usize = 96;
export const USER_AGENT_HASH: usize = 100;
/** What follows the user agent; 0 if nothing does. */
export const TAIL_AT: usize = 104;
/** What was read ahead of the dictionaries, so that it is in the processor's cache when it is needed. */
export const AHEAD: usize = 108;
/** The number of the layout of a line that need not be stored; else 0. */
export const LAYOUT: usize = 112;
export const RECORD_BYTES: usize = 128;

// From the address of a field that has a hash.
export const LENGTH_OF_FIELD: usize = 4;
export const HASH_OF_FIELD: usize = 8;
