import { hash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { eachLine } from "#collectors/lines.ts";
import { IDENTITY_FIELDS, type RecordHeader } from "#collectors/source.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import { Slices } from "#platform/slices.ts";
import { replaceFile } from "#platform/state-file.ts";

/** A power of two. Twice 8 MB of memory. */
const SLOTS = 2 ** 20;
const HASHES_MAX = SLOTS / 2;
/** For how long after the start of a process requests are recognised that an earlier one has kept. */
const REQUESTS_MS = 600_000;
const CLOSE_BRACE = 0x7d;
/** An empty object with white space is not longer. */
const EMPTY_BYTES_MAX = 64;

/** A set of 64-bit hashes in arrays. 0 is no hash. */
class HashSet {
  readonly #highs = new Uint32Array(SLOTS);
  readonly #lows = new Uint32Array(SLOTS);
  size = 0;

  has(high: number, low: number): boolean {
    const slot = this.#slotOf(high, low);
    return this.#highs[slot] === high && this.#lows[slot] === low;
  }

  add(high: number, low: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#highs[slot] === high && this.#lows[slot] === low) return;
    this.#highs[slot] = high;
    this.#lows[slot] = low;
    this.size += 1;
  }

  /** The slot of the hash, otherwise a free one: at most half of them are in use. */
  #slotOf(high: number, low: number): number {
    for (let slot = low & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const isFree = this.#highs[slot] === 0 && this.#lows[slot] === 0;
      if (isFree || (this.#highs[slot] === high && this.#lows[slot] === low)) return slot;
    }
  }
}

/** The identity of a document: a key, and where it is unique. */
export type Identity = { scope: string; key: string };

/** The promise that the document will be kept; undefined if it is kept already. */
export type Repeated = { kept: Promise<void> | undefined };

/**
 * Recognises documents that a shipper sends again because it did not get an answer, by their identities: the last 524,288
 * at least. After a kill it continues with those that are still on the bus, as only these may not have been answered, and with
 * those that it continued with before: their shipper may not have sent them again yet.
 */
export class Identities {
  #current = new HashSet();
  #previous = new HashSet();
  readonly #pending = new Map<string, Promise<void>>();
  /** Of requests that have failed, some of whose documents may still be in `#pending`. */
  readonly #failed = new WeakSet<Promise<void>>();
  #requestsUntilMs = 0;

  /** Adds the documents that were appended to the bus last, and those that an earlier process has kept in the file. */
  async read(bus: Pick<BusProducer, "recent">, file: string, nowMs: number): Promise<void> {
    this.#requestsUntilMs = nowMs + REQUESTS_MS;
    const hashes = readHashes(file);
    for await (const { header, lines } of bus.recent()) {
      for (const identity of identitiesIn(header, lines)) hashes.push(hashOf(textOf(identity)));
    }
    const kept = hashes.slice(-HASHES_MAX);
    for (const it of kept) this.#add(it);
    if (kept.length > 0) writeHashes(file, kept);
  }

  /** To be called for the documents of a request, with the promise that they are kept, which rejects if they are not. */
  begin(kept: Promise<void>): Keeping {
    const keeping: Keeping = { kept, found: [] };
    kept.then(
      () => this.#end(keeping, true),
      () => {
        this.#failed.add(kept);
        return this.#end(keeping, false);
      },
    );
    return keeping;
  }

  /** Undefined if the document is new: then it is kept with the others of the request, and found from now on. */
  take(identity: Identity, { kept, found }: Keeping): Repeated | undefined {
    const text = textOf(identity);
    const pending = this.#pending.get(text);
    if (pending && !this.#failed.has(pending)) return { kept: pending };
    const sum = hashOf(text);
    if (this.#isKept(sum)) return { kept: undefined };
    this.#pending.set(text, kept);
    found.push({ text, sum });
    return undefined;
  }

  /**
   * Whether a request is being kept, or was kept by an earlier process, which may have been killed before it answered. Others
   * are new: an equal one that comes after an answer is another one.
   */
  findRequest(request: string, nowMs: number): Repeated | undefined {
    const identity = ofRequest(request);
    const text = textOf(identity);
    const kept = this.#pending.get(text);
    if (kept) return { kept };
    const isKept = nowMs < this.#requestsUntilMs && this.#isKept(hashOf(text));
    return isKept ? { kept: undefined } : undefined;
  }

  /** To be called as soon as a request is found to be new, with the promise that it is kept. */
  keepRequest(request: string, kept: Promise<void>): void {
    const text = textOf(ofRequest(request));
    this.#pending.set(text, kept);
    const end = (): void => void this.#pending.delete(text);
    kept.then(end, end);
  }

  async #end({ kept, found }: Keeping, isKept: boolean): Promise<void> {
    const slices = new Slices();
    for (const { text, sum } of found) {
      if (isKept) this.#add(sum);
      // After a failure it may have been sent again in the meantime.
      if (this.#pending.get(text) === kept) this.#pending.delete(text);
      if (slices.isOver) await slices.pause();
    }
  }

  #isKept({ high, low }: Hash): boolean {
    return this.#current.has(high, low) || this.#previous.has(high, low);
  }

  #add({ high, low }: Hash): void {
    this.#current.add(high, low);
    if (this.#current.size < HASHES_MAX) return;
    this.#previous = this.#current;
    this.#current = new HashSet();
  }
}

type Hash = { high: number; low: number };

/** New documents of a request, until they are kept. */
export type Keeping = { kept: Promise<void>; found: { text: string; sum: Hash }[] };

const textOf = ({ scope, key }: Identity): string => `${scope}\n${key}`;

function hashOf(text: string): Hash {
  const digest = hash("sha256", text, "buffer");
  return { high: digest.readUInt32LE(0) || 1, low: digest.readUInt32LE(4) };
}

const HASH_BYTES = 8;

/** The hashes in the file, oldest first. A missing or damaged file has none, or others, which are those of no document. */
function readHashes(file: string): Hash[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return [];
  }
  const count = Math.min(Math.floor(bytes.length / HASH_BYTES), HASHES_MAX);
  return Array.from({ length: count }, (_, n) => ({
    high: bytes.readUInt32LE(n * HASH_BYTES) || 1,
    low: bytes.readUInt32LE(n * HASH_BYTES + 4),
  }));
}

/** Replaces the file, so that it is complete before or after. */
function writeHashes(file: string, hashes: readonly Hash[]): void {
  const bytes = Buffer.alloc(hashes.length * HASH_BYTES);
  for (const [n, { high, low }] of hashes.entries()) {
    bytes.writeUInt32LE(high, n * HASH_BYTES);
    bytes.writeUInt32LE(low, n * HASH_BYTES + 4);
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  replaceFile(file, bytes);
}

/** A name that no token and group have. */
const ofRequest = (request: string): Identity => ({ scope: "request", key: request });

function* identitiesIn(header: RecordHeader, lines: Uint8Array): Generator<Identity> {
  if (header.request !== undefined) yield ofRequest(header.request);
  const scope = header.identities;
  if (scope === undefined) return;
  if (header.identity !== undefined) {
    yield { scope, key: header.identity };
    return;
  }
  const keys: string[] = [];
  eachLine({ bytes: lines }, (start, end) => {
    const parsed = parseJsonLine(lines, start, end);
    if ("reason" in parsed) return;
    const key = parsed.object[IDENTITY_FIELDS.key] ?? parsed.object[IDENTITY_FIELDS.id];
    if (typeof key === "string") keys.push(key);
  });
  for (const key of keys) yield { scope, key };
}

/** The line of a document, which is the JSON of an object, with these fields. */
export function withIdentity(
  line: Uint8Array,
  { id, key }: { id?: string | undefined; key: string },
): Uint8Array {
  const end = line.lastIndexOf(CLOSE_BRACE);
  const fields = {
    ...(id !== undefined && { [IDENTITY_FIELDS.id]: id }),
    ...(key !== id && { [IDENTITY_FIELDS.key]: key }),
  };
  const isEmpty =
    line.length < EMPTY_BYTES_MAX &&
    /^\s*\{\s*$/.test(String.fromCharCode(...line.subarray(0, end)));
  const text = JSON.stringify(fields).slice(1);
  return Buffer.concat([line.subarray(0, end), Buffer.from(isEmpty ? text : `,${text}`)]);
}
