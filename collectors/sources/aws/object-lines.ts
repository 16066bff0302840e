import { type ByteReader, plainReader } from "../files/byte-reader.ts";
import { CompressedReader } from "../files/compressed.ts";
import { compressionIn, KIND_BYTES, RefusedFile } from "../files/file-kind.ts";
import { type Cut, LineCutter } from "../files/line-cutter.ts";
import { readNuls } from "../files/nuls.ts";
import { JsonRecords, recordsBegin } from "./json-records.ts";
import type { ObjectBytes } from "./object-bytes.ts";

const CHUNK_BYTES = 1024 * 1024;
const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** Logs are compressed to a hundredth at most. An object that exceeds both is not read further. */
const EXPANSION_MAX = 250;
const EXPANDED_BYTES_MIN = 64 * 1024 * 1024;

/** Reads the lines of objects, one object at a time, in bounded memory. */
export class ObjectLines {
  readonly #cutter = new LineCutter(CHUNK_BYTES, LINE_BYTES_MAX);

  /**
   * The lines of an object from an offset of its decompressed content on. What can be read of a damaged object is read.
   * @throws RefusedFile at its damage, or if it is of a kind that is not read
   */
  async *read(bytes: ObjectBytes, key: string, from: number): AsyncGenerator<Cut, void> {
    const first = Buffer.alloc(KIND_BYTES);
    const raw = plainReader(bytes);
    const compression = compressionIn(first.subarray(0, await raw.read(first, 0)), key);
    const whole = compression ? new CompressedReader(bytes, compression) : raw;
    const limited = compression ? limitedReader(whole, bytes.size) : whole;
    try {
      const begin = recordsBegin(first.subarray(0, await limited.read(first, 0)));
      const reader = begin === undefined ? limited : new JsonRecords(limited, begin);
      const file = {
        compression,
        reader: () => reader,
        readNuls: (at: number) => readNuls(reader, { from: at, to: at }, Infinity),
      };
      for (let at = from; ;) {
        const cut = await this.#cutter.next(file, at, true);
        if (!cut) break;
        at = cut.end;
        yield cut;
      }
      if (whole.damage !== undefined) throw new RefusedFile(whole.damage);
    } finally {
      if (whole instanceof CompressedReader) whole.close();
    }
  }
}

/** Fails when the content exceeds what logs of this compressed size can have. */
function limitedReader(reader: ByteReader, size: number): ByteReader {
  const bytesMax = Math.max(EXPANDED_BYTES_MIN, size * EXPANSION_MAX);
  return {
    get damage() {
      return reader.damage;
    },
    async read(into, at) {
      const count = await reader.read(into, at);
      if (at + count <= bytesMax) return count;
      const message = `expands to more than ${EXPANSION_MAX} times its size, as no log does: the rest of it is not read`;
      throw new RefusedFile(message);
    },
  };
}
