import type { FileHandle } from "node:fs/promises";

import { ThriftReader } from "./thrift.ts";

const MAGIC = "PAR1";
const TAIL_BYTES = 8;
/** Size of the first read, which contains nearly every footer. */
const READ_BYTES = 32 * 1024;
const FOOTER_BYTES_MAX = 64 * 1024 * 1024;

export type ParquetFooter = { rows: number; metadata: Map<string, string>; fileBytes: number };

/** Row count and key-value metadata of a Parquet file. @throws RangeError with the problem of the file */
export async function readFooter(file: FileHandle): Promise<ParquetFooter> {
  const { size } = await file.stat();
  if (size < MAGIC.length + TAIL_BYTES) throw new RangeError(`it has only ${size} bytes`);
  const tail = await readAt(file, Math.max(0, size - READ_BYTES), size);
  if (tail.toString("latin1", tail.length - MAGIC.length) !== MAGIC) {
    throw new RangeError(
      "it does not end like a Parquet file: it is truncated or not a Parquet file",
    );
  }
  const length = tail.readUInt32LE(tail.length - TAIL_BYTES);
  if (length > Math.min(FOOTER_BYTES_MAX, size - TAIL_BYTES - MAGIC.length)) {
    throw new RangeError(`its footer would have ${length} bytes, more than fit`);
  }
  const start = size - TAIL_BYTES - length;
  const footer =
    length + TAIL_BYTES <= tail.length
      ? tail.subarray(tail.length - TAIL_BYTES - length)
      : await readAt(file, start, size);
  return { ...parse(footer.subarray(0, length)), fileBytes: size };
}

async function readAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  if (bytesRead < bytes.length) throw new RangeError("it was truncated while it was read");
  return bytes;
}

function parse(footer: Buffer): { rows: number; metadata: Map<string, string> } {
  const reader = new ThriftReader(footer);
  const metadata = new Map<string, string>();
  let rows = 0;
  const readPair = (): void => {
    let key = "";
    let value = "";
    reader.struct((id) => {
      if (id === 1) key = reader.text();
      else if (id === 2) value = reader.text();
      else return false;
      return true;
    });
    metadata.set(key, value);
  };
  reader.struct((id) => {
    if (id === 3) rows = reader.int();
    else if (id === 5) reader.list(readPair);
    else return false;
    return true;
  });
  return { rows, metadata };
}
