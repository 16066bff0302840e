import { randomBytes } from "node:crypto";

import { PART_CODES } from "#collectors/packed/packed-documents.ts";

import { countFields, type Fields, textIn } from "../delivery/document.ts";
import {
  ACTION,
  ACTION_BYTES,
  ACTION_BYTES_MAX,
  ENTRIES,
  ENTRY_AT,
  ENTRY_BIT,
  ENTRY_BYTES,
  ENTRY_CODE,
  ENTRY_LENGTH,
  ENTRY_MEANING,
  ENTRY_NEXT,
  ENTRY_SCOPE,
  FIRST_PART_BIT,
  HASH_HIGH,
  HASH_LOW,
  HEADS,
  HEADS_COUNT,
  PART_BYTES,
  SPARE_BYTES,
  TABLE_BYTES,
} from "./layout.ts";
import { type Member, membersOf } from "./members.ts";

/** So that documents of parts have fewer fields than is allowed, and headers of records stay small. */
const PART_FIELDS_MAX = 20;
const PART_BYTES_MIN = 8;
/** Larger documents differ in more than their line. */
const LEARNT_BYTES_MAX = 65_536;
const PART_BYTES_MAX = 2_048;
const NAMES_MAX = 32 - FIRST_PART_BIT;
/** Members that differ in each document. */
const VALUES = new Set(["@timestamp", "message"]);
/** Names of members of objects with records, which are several events. */
const OF_RECORDS = new Set(["Records", "messageType", "owner", "logGroup"]);
/** Not packed: their document is read in another way. */
const OTHERS = ["event.original", "message", "@timestamp"];
/**
 * What documents may cost that are learnt from and then never seen again: each document that is packed earns 1, each that is learnt
 * from costs 2. Without credit so many items are not looked at.
 */
const CREDIT = { first: 128, most: 512, learning: 2 };
const PAUSE_ITEMS = 1_024;
/** More than any action has. */
const NO_ACTION_BYTES = 2 ** 31;
const MEANING_BYTES = 8;

type Scope = "top" | "log";

/** The parts of the documents of one shipper. */
export class PackTable {
  readonly address: number;
  /** Of the line of the action, with its line end. */
  actionBytes = 0;
  readonly #memory: Buffer;
  /** JSON members, in the order of their codes. */
  #parts: string[] = [];
  readonly #bits = new Map<string, number>();
  readonly #meanings = new Map<string, Buffer>();
  readonly #known = new Set<string>();
  #used = PART_BYTES;
  #credit = CREDIT.first;
  #pause = 0;

  constructor(memory: Buffer, address: number) {
    this.#memory = memory;
    this.address = address;
    this.#forget();
  }

  /** Whether items may be packed. */
  get isUseful(): boolean {
    return this.#parts.length > 0;
  }

  /** By their codes, the parts whose bits are set: 32 in each number, the first part in the lowest bit. */
  partsIn(bits: Uint32Array): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [index, text] of this.#parts.entries()) {
      const isIn = ((bits[index >> 5] ?? 0) >>> (index & 31)) & 1;
      if (isIn === 1) found[PART_CODES[index] ?? ""] = text;
    }
    return found;
  }

  packed(count: number): void {
    this.#credit = Math.min(CREDIT.most, this.#credit + count);
  }

  /** Learns the action and the members of a document that was read otherwise. False if such documents cannot be packed. */
  learn(action: Uint8Array, document: Uint8Array): boolean {
    if (!this.#mayLearn() || document.length > LEARNT_BYTES_MAX) return false;
    const text = Buffer.from(document.buffer, document.byteOffset, document.length).toString();
    const found = membersOf(text);
    if (found?.end !== text.length || action.length > ACTION_BYTES_MAX) return false;
    const log = found.members.find(({ name }) => name === "log");
    const inLog = log?.text.startsWith('"log":{')
      ? membersOf(log.text, '"log":'.length)
      : undefined;
    const top = found.members.filter(({ name }) => !VALUES.has(name) && !(inLog && name === "log"));
    const nested = inLog?.members.filter(({ name }) => name !== "offset") ?? [];
    if (!this.#addAll(top, "top") || !this.#addAll(nested, "log")) return false;
    this.actionBytes = action.length;
    this.#memory.set(action, this.address + ACTION);
    this.#memory.writeUInt32LE(action.length, this.address + ACTION_BYTES);
    return true;
  }

  #mayLearn(): boolean {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    this.#credit -= CREDIT.learning;
    if (this.#credit >= 0) return true;
    this.#credit = CREDIT.first;
    this.#pause = PAUSE_ITEMS;
    this.#forget();
    return false;
  }

  #addAll(members: readonly Member[], scope: Scope): boolean {
    return members.every(
      (member) => this.#known.has(keyOf(member.text, scope)) || this.#add(member, scope),
    );
  }

  /** False if the member cannot be a part. */
  #add({ name, text }: Member, scope: Scope): boolean {
    const bytes = Buffer.from(text);
    const isSized = bytes.length >= PART_BYTES_MIN && bytes.length <= PART_BYTES_MAX;
    const fields = isSized ? fieldsOf(text, scope) : undefined;
    if (!fields || countFields(fields) > PART_FIELDS_MAX) return false;
    if (OF_RECORDS.has(name) || OTHERS.some((other) => textIn(fields, other) !== undefined))
      return false;
    const bit = this.#bitOf(`${scope} ${name}`);
    const next = this.#used + bytes.length + SPARE_BYTES;
    if (this.#parts.length >= PART_CODES.length || bit === undefined || next > TABLE_BYTES) {
      this.#forget();
      return false;
    }
    this.#write(bytes, { scope, bit, meaning: this.#meaningOf(fields) });
    this.#parts.push(text);
    this.#known.add(keyOf(text, scope));
    return true;
  }

  #write(
    bytes: Buffer,
    { scope, bit, meaning }: { scope: Scope; bit: number; meaning: Buffer },
  ): void {
    const memory = this.#memory;
    const { address } = this;
    const at = address + this.#used;
    memory.set(bytes, at);
    this.#used += bytes.length + SPARE_BYTES;
    const low = Math.imul(bytes.readInt32LE(0), HASH_LOW);
    const hash = (low ^ Math.imul(bytes.readInt32LE(4), HASH_HIGH)) >>> 24;
    const head = address + HEADS + 4 * (hash % HEADS_COUNT);
    const index = this.#parts.length;
    const entry = address + ENTRIES + index * ENTRY_BYTES;
    memory.writeUInt32LE(at, entry + ENTRY_AT);
    memory.writeUInt32LE(bytes.length, entry + ENTRY_LENGTH);
    memory.writeUInt32LE((1 << bit) >>> 0, entry + ENTRY_BIT);
    memory.writeUInt32LE(memory.readUInt32LE(head), entry + ENTRY_NEXT);
    memory.writeUInt32LE(scope === "log" ? 1 : 0, entry + ENTRY_SCOPE);
    memory.writeUInt32LE(PART_CODES.charCodeAt(index), entry + ENTRY_CODE);
    memory.set(meaning, entry + ENTRY_MEANING);
    memory.writeUInt32LE(index + 1, head);
  }

  #bitOf(name: string): number | undefined {
    let bit = this.#bits.get(name);
    if (bit === undefined && this.#bits.size < NAMES_MAX) {
      this.#bits.set(name, (bit = FIRST_PART_BIT + this.#bits.size));
    }
    return bit;
  }

  /**
   * A random number for the fields of a part, whatever their order: documents with the same sum of these numbers have the same fields.
   */
  #meaningOf(fields: Fields): Buffer {
    const key = sortedJson(fields);
    let meaning = this.#meanings.get(key);
    if (!meaning) this.#meanings.set(key, (meaning = randomBytes(MEANING_BYTES)));
    return meaning;
  }

  #forget(): void {
    this.#parts = [];
    this.#bits.clear();
    this.#meanings.clear();
    this.#known.clear();
    this.#used = PART_BYTES;
    const { address } = this;
    this.#memory.fill(0, address, address + ENTRIES);
    // No item is shorter.
    this.#memory.writeUInt32LE(NO_ACTION_BYTES, address + ACTION_BYTES);
  }
}

const keyOf = (text: string, scope: Scope): string => `${scope} ${text}`;

/** The fields of a part; undefined if it is not valid JSON, which may be repaired in a document. */
function fieldsOf(text: string, scope: Scope): Fields | undefined {
  try {
    return JSON.parse(scope === "log" ? `{"log":{${text}}}` : `{${text}}`);
  } catch {
    return undefined;
  }
}

/** JSON of the fields with their names in order. */
const sortedJson = (fields: Fields): string =>
  JSON.stringify(fields, (_, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
