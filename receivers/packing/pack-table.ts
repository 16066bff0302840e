import { randomInt } from "node:crypto";

import { PART_CODES } from "#collectors/packed/packed-documents.ts";

import { countFields, type Fields, ORIGIN_FIELDS, textIn } from "../delivery/document.ts";
import {
  ACTION,
  ACTION_BYTES,
  ACTION_BYTES_MAX,
  ENTRIES,
  ENTRY_AT,
  ENTRY_BIT,
  ENTRY_BYTES,
  ENTRY_LENGTH,
  ENTRY_NEXT,
  ENTRY_NUMBER,
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
const NUMBER_MAX = 2 ** 32;

type Scope = "top" | "log";

/** The parts of the documents of one shipper. */
export class PackTable {
  readonly address: number;
  /** Another number when parts were forgotten. */
  version = 0;
  /** Of the line of the action, with its line end. */
  actionBytes = 0;
  /** JSON members. */
  parts: string[] = [];
  readonly #memory: Buffer;
  readonly #bits = new Map<string, number>();
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
    return this.parts.length > 0;
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
    if (this.parts.length >= PART_CODES.length || bit === undefined || next > TABLE_BYTES) {
      this.#forget();
      return false;
    }
    const decides = ORIGIN_FIELDS.some((field) => textIn(fields, field) !== undefined);
    this.#write(bytes, { scope, bit, number: decides ? randomInt(1, NUMBER_MAX) : 0 });
    this.parts.push(text);
    this.#known.add(keyOf(text, scope));
    return true;
  }

  #write(
    bytes: Buffer,
    { scope, bit, number }: { scope: Scope; bit: number; number: number },
  ): void {
    const memory = this.#memory;
    const { address } = this;
    const at = address + this.#used;
    memory.set(bytes, at);
    this.#used += bytes.length + SPARE_BYTES;
    const low = Math.imul(bytes.readInt32LE(0), HASH_LOW);
    const hash = (low ^ Math.imul(bytes.readInt32LE(4), HASH_HIGH)) >>> 24;
    const head = address + HEADS + 4 * (hash % HEADS_COUNT);
    const entry = address + ENTRIES + this.parts.length * ENTRY_BYTES;
    memory.writeUInt32LE(at, entry + ENTRY_AT);
    memory.writeUInt32LE(bytes.length, entry + ENTRY_LENGTH);
    memory.writeUInt32LE(number, entry + ENTRY_NUMBER);
    memory.writeUInt32LE((1 << bit) >>> 0, entry + ENTRY_BIT);
    memory.writeUInt32LE(memory.readUInt32LE(head), entry + ENTRY_NEXT);
    memory.writeUInt32LE(scope === "log" ? 1 : 0, entry + ENTRY_SCOPE);
    memory.writeUInt32LE(this.parts.length + 1, head);
  }

  #bitOf(name: string): number | undefined {
    let bit = this.#bits.get(name);
    if (bit === undefined && this.#bits.size < NAMES_MAX) {
      this.#bits.set(name, (bit = FIRST_PART_BIT + this.#bits.size));
    }
    return bit;
  }

  #forget(): void {
    this.version += 1;
    this.parts = [];
    this.#bits.clear();
    this.#known.clear();
    this.#used = PART_BYTES;
    const { address } = this;
    this.#memory.fill(0, address, address + ENTRIES);
    // No item is shorter.
    this.#memory.writeUInt32LE(NUMBER_MAX / 2, address + ACTION_BYTES);
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
