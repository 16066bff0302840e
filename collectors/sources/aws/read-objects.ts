import { hash } from "node:crypto";

import type { Position, Positions, SourceId } from "#collectors/source.ts";

import { OBJECT_ID_LENGTH } from "./object-ref.ts";

/** The stored positions are limited by these: about 13 KB for each page. */
const PAGE_OBJECTS_MAX = 1_024;
const PAGES_MAX = 256;
/** Objects of a page that were read in part. After a kill there is one more, until its notification comes again. */
const PARTS_MAX = 64;

/**
 * Some of the objects, as one stream: in the order in which they were read, each once. Its position has the ids of those
 * that were read to the end, and where the others continue.
 */
type Page = {
  id: SourceId;
  /** Ascending; a later page with the same stream replaces it. */
  number: number;
  /** Bytes of the stream so far. */
  offset: number;
  /** Ids, one after the other. */
  read: string;
  /** Where objects continue that were read in part, by id. */
  parts: Map<string, number>;
};

/** An object while it is read. */
export type ObjectReading = {
  sourceId: SourceId;
  /** Where to continue: bytes of the decompressed object. */
  at: number;
  /** Offset in the stream of the next bytes. */
  offset(): number;
  /** The position after these bytes of the object, which end at `at`, or after the object if `isEnd`. */
  advance(bytes: number, next: { at: number; isEnd: boolean }): Position;
};

/** Tells whether everything that was read of an object is stored. */
export type StoredCheck = (positions: Positions) => boolean;

/**
 * The objects that were read, as many as `pagesMax` pages hold: of older ones it is not known any more. The positions are
 * stored with the rows, so that each object is read once although a process is killed at any time.
 */
export class ReadObjects {
  readonly #name: string;
  readonly #pagesMax: number;
  /** By slot: number of the page modulo the maximum. */
  readonly #pages = new Map<number, Page>();
  readonly #pageOf = new Map<string, Page>();
  #latest: Page;

  /** `name` is that of what is read, and stays the same: a bucket and prefix, or a queue. */
  constructor(name: string, positions: Positions, pagesMax = PAGES_MAX) {
    this.#name = name;
    this.#pagesMax = pagesMax;
    for (let slot = 0; slot < pagesMax; slot += 1) {
      const page = pageIn(this.#idOf(slot), positions);
      if (page) this.#add(slot, page);
    }
    const numbers = [...this.#pages.values()].map(({ number }) => number);
    const latest = this.#pages.get(Math.max(0, ...numbers) % pagesMax);
    this.#latest = latest ?? this.#begin(0);
  }

  /** Whether it was read, at least in part. */
  knows(objectId: string): boolean {
    return this.#pageOf.has(objectId);
  }

  /** Whether it was read to its end. */
  has(objectId: string): boolean {
    return this.#pageOf.get(objectId)?.parts.has(objectId) === false;
  }

  /** Begins to read an object that was not read to its end yet, or continues. */
  open(objectId: string): ObjectReading {
    const page = this.#pageOf.get(objectId) ?? this.#pageWithRoom();
    this.#pageOf.set(objectId, page);
    const reading: ObjectReading = {
      sourceId: page.id,
      at: page.parts.get(objectId) ?? 0,
      offset: () => page.offset,
      advance: (bytes, { at, isEnd }) => {
        page.offset += bytes;
        if (isEnd) {
          page.parts.delete(objectId);
          page.read += objectId;
        } else this.#setPart(page, objectId, at);
        reading.at = at;
        return positionOf(page);
      },
    };
    this.#setPart(page, objectId, reading.at);
    return reading;
  }

  /** For an object that was read to its end. */
  storedCheck(objectId: string): StoredCheck {
    const page = this.#pageOf.get(objectId);
    if (!page) return () => true;
    const { id, number } = page;
    // Ids are only added.
    const { length } = page.read;
    return (positions) => {
      const stored = positions.get(id);
      const storedNumber = Number(stored?.["page"] ?? -1);
      if (storedNumber !== number) return storedNumber > number;
      return String(stored?.["read"] ?? "").length >= length;
    };
  }

  #idOf(slot: number): SourceId {
    return `src_${hash("sha256", `${this.#name}\n${slot}`, "hex").slice(0, 24)}`;
  }

  #add(slot: number, page: Page): void {
    this.#pages.set(slot, page);
    for (const id of page.parts.keys()) this.#pageOf.set(id, page);
    for (let at = 0; at < page.read.length; at += OBJECT_ID_LENGTH) {
      this.#pageOf.set(page.read.slice(at, at + OBJECT_ID_LENGTH), page);
    }
  }

  #pageWithRoom(): Page {
    const { read, parts, number } = this.#latest;
    const objects = read.length / OBJECT_ID_LENGTH + parts.size;
    if (objects >= PAGE_OBJECTS_MAX) this.#latest = this.#begin(number + 1);
    return this.#latest;
  }

  /** The page takes the place of the oldest one, whose objects are forgotten. The offsets of its stream continue. */
  #begin(number: number): Page {
    const slot = number % this.#pagesMax;
    const before = this.#pages.get(slot);
    for (const [id, page] of before ? this.#pageOf : []) {
      if (page === before) this.#pageOf.delete(id);
    }
    const id = this.#idOf(slot);
    const page = { id, number, offset: before?.offset ?? 0, read: "", parts: new Map() };
    this.#pages.set(slot, page);
    return page;
  }

  #setPart({ parts }: Page, objectId: string, at: number): void {
    parts.set(objectId, at);
    const [oldest] = parts.keys();
    if (parts.size <= PARTS_MAX || oldest === undefined) return;
    parts.delete(oldest);
    this.#pageOf.delete(oldest);
  }
}

function positionOf({ number, offset, read, parts }: Page): Position {
  const rest = [...parts].map(([id, at]) => `${id}${at}`).join(",");
  return { page: number, offset, read, ...(rest !== "" && { parts: rest }) };
}

function pageIn(id: SourceId, positions: Positions): Page | undefined {
  const position = positions.get(id);
  if (!position) return undefined;
  const { page, offset, read, parts } = position;
  const entries = String(parts ?? "").split(",");
  return {
    id,
    number: Number(page ?? 0),
    offset: Number(offset ?? 0),
    read: String(read ?? ""),
    parts: new Map(
      entries
        .filter((entry) => entry !== "")
        .map((entry) => [
          entry.slice(0, OBJECT_ID_LENGTH),
          Number(entry.slice(OBJECT_ID_LENGTH)) || 0,
        ]),
    ),
  };
}
