import { ByteWriter } from "./byte-writer.ts";

/** Type codes of the Thrift compact protocol. */
const TYPE = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
};
const DEPTH_MAX = 32;

/**
 * Writes structs of the Thrift compact protocol, the format of Parquet's page headers and footer. Fields are
 * written in ascending order of their ids.
 */
export class ThriftWriter {
  readonly out: ByteWriter;
  #lastId = 0;
  readonly #outerIds: number[] = [];

  constructor(bytesExpected = 256) {
    this.out = new ByteWriter(bytesExpected);
  }

  /** An i16, i32 or i64 field; exact up to 2^52 either way. */
  int(id: number, value: number, type: "i32" | "i64" = "i32"): void {
    this.#field(id, TYPE[type]);
    this.out.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? TYPE.true : TYPE.false);
  }

  binary(id: number, value: Uint8Array | string): void {
    this.#field(id, TYPE.binary);
    this.#bytes(value);
  }

  struct(id: number, body: () => void): void {
    this.#field(id, TYPE.struct);
    this.#nested(body);
  }

  structs<T>(id: number, items: readonly T[], body: (item: T) => void): void {
    this.#list(id, TYPE.struct, items.length);
    for (const item of items) this.#nested(() => body(item));
  }

  ints(id: number, items: readonly number[]): void {
    this.#list(id, TYPE.i32, items.length);
    for (const item of items) this.out.varint(item * 2);
  }

  strings(id: number, items: readonly string[]): void {
    this.#list(id, TYPE.binary, items.length);
    for (const item of items) this.#bytes(item);
  }

  /** Ends the outermost struct. */
  end(): Buffer {
    this.out.u8(0);
    return this.out.done();
  }

  #nested(body: () => void): void {
    this.#outerIds.push(this.#lastId);
    this.#lastId = 0;
    body();
    this.out.u8(0);
    this.#lastId = this.#outerIds.pop() ?? 0;
  }

  #field(id: number, type: number): void {
    this.out.u8(((id - this.#lastId) << 4) | type);
    this.#lastId = id;
  }

  #list(id: number, type: number, size: number): void {
    this.#field(id, TYPE.list);
    if (size < 15) this.out.u8((size << 4) | type);
    else {
      this.out.u8(0xf0 | type);
      this.out.varint(size);
    }
  }

  #bytes(value: Uint8Array | string): void {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    this.out.varint(bytes.length);
    this.out.put(bytes);
  }
}

/** Reads structs of the compact protocol. @throws RangeError for invalid bytes */
export class ThriftReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Calls `read` for each field of a struct; `read` either takes the value or returns false to have it skipped. */
  struct(read: (id: number, type: number) => boolean): void {
    let lastId = 0;
    for (;;) {
      const head = this.#u8();
      if (head === 0) return;
      const delta = head >> 4;
      lastId = delta === 0 ? this.int() : lastId + delta;
      const type = head & 0x0f;
      if (!read(lastId, type)) this.#skip(type, 0);
    }
  }

  list(read: () => void): void {
    const { size } = this.#listHead();
    for (let i = 0; i < size; i += 1) read();
  }

  int(): number {
    const raw = this.#varint();
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  text(): string {
    const length = this.#varint();
    this.#need(length);
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }

  #listHead(): { size: number; type: number } {
    const head = this.#u8();
    const size = head >> 4 === 15 ? this.#varint() : head >> 4;
    return { size, type: head & 0x0f };
  }

  #skip(type: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new RangeError("structs are nested too deeply");
    if (type === TYPE.true || type === TYPE.false) return;
    if (type === TYPE.i8) this.#advance(1);
    else if (type >= TYPE.i16 && type <= TYPE.i64) this.#varint();
    else if (type === TYPE.double) this.#advance(8);
    else if (type === TYPE.binary) this.#advance(this.#varint());
    else if (type === TYPE.list || type === TYPE.set) this.#skipList(depth);
    else if (type === TYPE.struct) this.#skipStruct(depth);
    else throw new RangeError(`type ${type} is not one of the compact protocol`);
  }

  #skipList(depth: number): void {
    const { size, type } = this.#listHead();
    const isBoolean = type === TYPE.true || type === TYPE.false;
    for (let i = 0; i < size; i += 1) {
      if (isBoolean) this.#advance(1);
      else this.#skip(type, depth + 1);
    }
  }

  #skipStruct(depth: number): void {
    for (;;) {
      const head = this.#u8();
      if (head === 0) return;
      if (head >> 4 === 0) this.#varint();
      this.#skip(head & 0x0f, depth + 1);
    }
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i += 1) {
      const byte = this.#u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError("a number has more than ten bytes");
  }

  #u8(): number {
    this.#need(1);
    this.#at += 1;
    return this.#bytes[this.#at - 1]!;
  }

  #advance(bytes: number): void {
    this.#need(bytes);
    this.#at += bytes;
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) throw new RangeError("the footer ends too early");
  }
}
