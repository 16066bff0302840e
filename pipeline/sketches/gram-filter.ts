/**
 * The substrings of 4 and of 7 characters ("n-grams") of many texts, to find out that a text occurs in none of them: a Bloom
 * filter (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", CACM 1970) with one bit per n-gram, in blocks
 * of a cache line (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007), so that the two
 * n-grams that end at a character need one memory access. Their rolling hash is the gear hash of FastCDC (Xia et al., 2016).
 *
 * Letters are compared in lower case. N-grams with a line feed or a character beyond ASCII are left out, as searches compare
 * such characters by other rules.
 */
const SHORT_LENGTH = 4;
const LONG_LENGTH = 7;
/** Bits by which a rolling hash shifts for each character, so that it depends on the last 4 or 7 ones. */
const SHORT_SHIFT = 8;
const LONG_SHIFT = 5;

const BLOCK_WORDS = 16;
const BYTES_MIN = 8 * 1024;
const BYTES_MAX = 4 * 1024 * 1024;
/** While a filter is filled, per text. */
const BYTES_PER_TEXT = 4;
/** A filter is halved while at most this share of its bits would be set. */
const FILL_MAX = 0.25;

const LINE_FEED = 0x0a;
const EXCLUDED = 0;
/** Odd multipliers of MurmurHash3 (Appleby), which spread the bits of a hash. */
const SPREAD_SHORT = 0x9e3779b1;
const SPREAD_LONG = 0x85ebca6b;
const SPREAD_LAST = 0xc2b2ae35;

/** A random number for each byte, the same for both cases of a letter; EXCLUDED for bytes that are left out. */
const GEAR = Int32Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80 || byte === LINE_FEED) return EXCLUDED;
  const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  let hash = Math.imul(lower + 1, SPREAD_SHORT);
  hash = Math.imul(hash ^ (hash >>> 16), SPREAD_LONG);
  hash = Math.imul(hash ^ (hash >>> 13), SPREAD_LAST);
  return (hash ^ (hash >>> 16)) | 1;
});

/** The characters beyond ASCII that searches regard as equal to an ASCII letter, as bytes of UTF-8. */
const EQUAL_TO_ASCII: readonly { bytes: readonly number[]; letter: string }[] = [
  { bytes: [0xc5, 0xbf], letter: "s" }, // long s
  { bytes: [0xe2, 0x84, 0xaa], letter: "k" }, // Kelvin sign
  { bytes: [0xc4, 0xb0], letter: "i" }, // capital i with a dot
];

export class GramFilterBuilder {
  readonly #words: Uint32Array<ArrayBuffer>;

  /** `texts`: about the number of texts. */
  constructor(texts: number) {
    const bytes = Math.min(BYTES_MAX, Math.max(BYTES_MIN, texts * BYTES_PER_TEXT));
    this.#words = new Uint32Array(2 ** Math.ceil(Math.log2(bytes)) / 4);
  }

  /** Adds texts in UTF-8, which line feeds separate. */
  add(texts: Uint8Array): void {
    const words = this.#words;
    const mask = words.length / BLOCK_WORDS - 1;
    let short = 0;
    let long = 0;
    let length = 0;
    for (let at = 0; at < texts.length; at += 1) {
      let gear = GEAR[texts[at]!]!;
      if (gear === EXCLUDED) {
        const equal = texts[at] === LINE_FEED ? undefined : equalAt(texts, at);
        if (!equal) {
          length = 0;
          continue;
        }
        gear = GEAR[equal.letter.charCodeAt(0)]!;
        at += equal.bytes.length - 1;
      }
      short = (short >>> SHORT_SHIFT) ^ gear;
      long = (long >>> LONG_SHIFT) ^ gear;
      length += 1;
      if (length < SHORT_LENGTH) continue;
      const block = (short & mask) * BLOCK_WORDS;
      const shortBit = Math.imul(short, SPREAD_SHORT);
      words[block + (shortBit >>> 28)]! |= 1 << (shortBit >>> 23);
      if (length < LONG_LENGTH) continue;
      const longBit = Math.imul(long, SPREAD_LONG);
      words[block + (longBit >>> 28)]! |= 1 << (longBit >>> 23);
    }
  }

  /** The builder must not be used afterwards. */
  done(): GramFilter {
    let words = this.#words;
    while (words.byteLength > BYTES_MIN) {
      const half = halved(words);
      if (bitsIn(half) > half.length * 32 * FILL_MAX) break;
      words = half;
    }
    return new GramFilter(words);
  }
}

export class GramFilter {
  readonly #words: Uint32Array<ArrayBuffer>;

  constructor(words: Uint32Array<ArrayBuffer>) {
    this.#words = words;
  }

  /** Undefined if the number of bytes is not that of a filter. */
  static from(bytes: Uint8Array): GramFilter | undefined {
    const { length } = bytes;
    if (length < BYTES_MIN || length > BYTES_MAX || !Number.isInteger(Math.log2(length))) {
      return undefined;
    }
    const words = new Uint32Array(length / 4);
    new Uint8Array(words.buffer).set(bytes);
    return new GramFilter(words);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer);
  }

  /** False if no text contains this one, whatever the case of its letters. True also for a text that is too short. */
  mayContain(text: string): boolean {
    const words = this.#words;
    const mask = words.length / BLOCK_WORDS - 1;
    let short = 0;
    let long = 0;
    let length = 0;
    for (const byte of Buffer.from(text)) {
      const gear = GEAR[byte]!;
      length = gear === EXCLUDED ? 0 : length + 1;
      short = (short >>> SHORT_SHIFT) ^ gear;
      long = (long >>> LONG_SHIFT) ^ gear;
      if (length < SHORT_LENGTH) continue;
      const block = (short & mask) * BLOCK_WORDS;
      if (!hasBit(words, block, Math.imul(short, SPREAD_SHORT))) return false;
      if (length < LONG_LENGTH) continue;
      if (!hasBit(words, block, Math.imul(long, SPREAD_LONG))) return false;
    }
    return true;
  }
}

function hasBit(words: Uint32Array, block: number, bit: number): boolean {
  return (words[block + (bit >>> 28)]! & (1 << (bit >>> 23))) !== 0;
}

function equalAt(texts: Uint8Array, at: number): (typeof EQUAL_TO_ASCII)[number] | undefined {
  return EQUAL_TO_ASCII.find(({ bytes }) => bytes.every((byte, i) => texts[at + i] === byte));
}

/** The filter of the same n-grams with half as many blocks. */
function halved(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const length = words.length / 2;
  return words.slice(0, length).map((word, i) => word | words[length + i]!);
}

function bitsIn(words: Uint32Array): number {
  let bits = 0;
  for (const word of words) {
    let rest = word;
    for (; rest !== 0; bits += 1) rest &= rest - 1;
  }
  return bits;
}
