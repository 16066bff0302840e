import { KIND_BYTES, RefusedFile } from "../files/file-kind.ts";
import { type Cut, LineCutter } from "../files/line-cutter.ts";
import { readNuls } from "../files/nuls.ts";
import { JsonRecords, recordsBegin } from "./json-records.ts";
import type { ObjectBytes } from "./object-bytes.ts";
import { openContent } from "./object-content.ts";

const CHUNK_BYTES = 1024 * 1024;
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Reads the lines of objects, one object at a time, in bounded memory. */
export class ObjectLines {
  readonly #cutter = new LineCutter(CHUNK_BYTES, LINE_BYTES_MAX);

  /**
   * The lines of an object from an offset of its decompressed content on. What can be read of a damaged object is read.
   * @throws RefusedFile at its damage, or if it is of a kind that is not read
   */
  async *read(bytes: ObjectBytes, key: string, from: number): AsyncGenerator<Cut, void> {
    using content = await openContent(bytes, key);
    const { compression, reader: whole } = content;
    const first = Buffer.alloc(KIND_BYTES);
    const begin = recordsBegin(first.subarray(0, await whole.read(first, 0)));
    const reader = begin === undefined ? whole : new JsonRecords(whole, begin);
    const file = {
      compression,
      reader: () => reader,
      readNuls: (at: number) => readNuls(reader, { from: at, to: at }, Infinity),
    };
    for (let at = from; ;) {
      const cut = await this.#cutter.next(file, at, true);
      if (!cut) break;
      at = cut.end;
      // The end of a damaged object is known with the damage.
      yield whole.damage === undefined ? cut : { ...cut, isLast: false };
    }
    if (whole.damage !== undefined) throw new RefusedFile(whole.damage);
  }
}
