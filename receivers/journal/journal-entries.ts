import { GrowingBuffer } from "../framing/growing-buffer.ts";

const LF = 0x0a;
const EQUALS = 0x3d;
const LENGTH_BYTES = 8;
const NAME_BYTES_MAX = 64;
/** Held of a line of an entry that is given up: more than a name, so that names are recognised. */
const GIVEN_UP_BYTES_MAX = NAME_BYTES_MAX + 1;

/** The fields of an entry by name; of a field with several values, the first one. */
export type JournalEntry = ReadonlyMap<string, Buffer>;

export type JournalLimits = {
  /** An entry is given up when it has more bytes, also if its fields were not kept. */
  entryBytesMax: number;
  /** Of longer values the beginning is kept. */
  valueBytesMax: number;
};

/** What is read next. */
type State =
  | { reading: "line" }
  | { reading: "length"; name: string }
  | { reading: "value"; name: string; left: number };

/**
 * Reads systemd's Journal Export Format, as `journalctl -o export` and systemd-journal-upload write it: fields as lines
 * `NAME=value`, or the name, a line end, the length as 64-bit little endian number, the value, and a line end; an empty line
 * ends an entry. What is no field is skipped and counted.
 */
export class JournalEntries {
  readonly #limits: JournalLimits;
  readonly #held = new GrowingBuffer();
  #state: State = { reading: "line" };
  #fields = new Map<string, Buffer>();
  #entryBytes = 0;
  #isTooLong = false;
  #endedEntries = 0;
  /** Entries that were given up because they have too many bytes. */
  tooLong = 0;
  /** Lines that are no field. */
  invalid = 0;

  /** `state`: of another one that it continues. */
  constructor(limits: JournalLimits, state = "") {
    this.#limits = limits;
    if (state === "") return;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the getter below
    const { rest, held } = JSON.parse(state) as { rest: State; held: string };
    this.#isTooLong = true;
    this.#state = rest;
    this.#held.append(Buffer.from(held, "latin1"));
  }

  /** Bytes of the entry that is not complete. */
  get heldBytes(): number {
    return this.#isTooLong ? 0 : this.#entryBytes;
  }

  /** With it and the bytes that are held, another one continues: where it is in an entry that is given up. */
  get state(): string {
    if (!this.#isTooLong) return "";
    const held = this.#held.take();
    this.#held.append(held.subarray(0, GIVEN_UP_BYTES_MAX));
    return JSON.stringify({
      rest: this.#state,
      held: held.toString("latin1", 0, GIVEN_UP_BYTES_MAX),
    });
  }

  /** The entries that are complete with these bytes. */
  push(bytes: Buffer): JournalEntry[] {
    const entries: JournalEntry[] = [];
    for (let at = 0; at < bytes.length;) {
      const ended = this.#endedEntries;
      const read = this.#read(bytes.subarray(at), entries);
      at += read;
      this.#count(this.#endedEntries > ended ? 0 : read);
    }
    return entries;
  }

  #read(bytes: Buffer, entries: JournalEntry[]): number {
    const { reading } = this.#state;
    if (reading === "line") return this.#readLine(bytes, entries);
    return reading === "length" ? this.#readLength(bytes) : this.#readValue(bytes);
  }

  #count(bytes: number): void {
    this.#entryBytes += bytes;
    if (this.#entryBytes <= this.#limits.entryBytesMax || this.#isTooLong) return;
    this.#isTooLong = true;
    this.#fields.clear();
    this.tooLong += 1;
  }

  /** The last entry, if the stream ends without an empty line. */
  end(): JournalEntry[] {
    const entries: JournalEntry[] = [];
    if (this.#state.reading === "line" && this.#held.length === 0) this.#endEntry(entries);
    return entries;
  }

  #readLine(bytes: Buffer, entries: JournalEntry[]): number {
    const end = bytes.indexOf(LF);
    const part = bytes.subarray(0, end < 0 ? bytes.length : end);
    const { valueBytesMax } = this.#limits;
    this.#hold(part, this.#isTooLong ? GIVEN_UP_BYTES_MAX : valueBytesMax + NAME_BYTES_MAX);
    if (end < 0) return bytes.length;
    const line = this.#held.take();
    const equals = line.indexOf(EQUALS);
    if (line.length === 0) this.#endEntry(entries);
    else if (equals > 0) this.#put(line.toString("latin1", 0, equals), line.subarray(equals + 1));
    else if (isName(line)) this.#state = { reading: "length", name: line.toString("latin1") };
    else this.invalid += 1;
    return end + 1;
  }

  #readLength(bytes: Buffer): number {
    const part = bytes.subarray(0, LENGTH_BYTES - this.#held.length);
    this.#held.append(part);
    if (this.#held.length < LENGTH_BYTES || this.#state.reading !== "length") return part.length;
    const left = Number(this.#held.take().readBigUInt64LE());
    this.#state = { reading: "value", name: this.#state.name, left };
    return part.length;
  }

  /** The value and the line end after it. */
  #readValue(bytes: Buffer): number {
    if (this.#state.reading !== "value") return 0;
    const { name, left } = this.#state;
    const part = bytes.subarray(0, left);
    if (!this.#isTooLong) this.#hold(part, this.#limits.valueBytesMax);
    this.#state.left -= part.length;
    if (part.length === bytes.length) return part.length;
    this.#put(name, this.#held.take());
    this.#state = { reading: "line" };
    return bytes[part.length] === LF ? part.length + 1 : part.length;
  }

  #hold(part: Buffer, bytesMax: number): void {
    this.#held.append(part.subarray(0, Math.max(0, bytesMax - this.#held.length)));
  }

  #put(name: string, value: Buffer): void {
    if (this.#isTooLong || this.#fields.has(name)) return;
    // Copied, because the entry may be read later than the bytes that it is part of.
    this.#fields.set(name, Buffer.from(value));
  }

  #endEntry(entries: JournalEntry[]): void {
    if (this.#fields.size > 0) entries.push(this.#fields);
    this.#fields = new Map();
    this.#entryBytes = 0;
    this.#isTooLong = false;
    this.#endedEntries += 1;
  }
}

/** Names of fields: capitals, digits and underscores, not beginning with a digit. */
function isName(line: Buffer): boolean {
  return line.length <= NAME_BYTES_MAX && /^[A-Z_][A-Z\d_]*$/.test(line.toString("latin1"));
}
