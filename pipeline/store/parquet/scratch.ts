import { ByteWriter } from "./byte-writer.ts";

/** A larger writer, which a page with very long values required, is not kept. */
const WRITER_BYTES_KEPT = 4 * 1024 * 1024;

/**
 * Arrays and writers that the columns of a file use one after the other. New ones for each column would be hundreds of MB
 * for each million events: cleared, paid for in page faults, and collected as garbage. Whoever takes one can use it until
 * the same one is taken for the next column, and finds the earlier content in it.
 */
export function reusedWords(): (length: number) => Uint32Array<ArrayBuffer> {
  let words = new Uint32Array(0);
  return (length) => {
    if (length > words.length) words = new Uint32Array(Math.max(length, words.length * 2));
    return words.subarray(0, length);
  };
}

export function reusedNumbers(): (length: number) => Float64Array<ArrayBuffer> {
  let numbers = new Float64Array(0);
  return (length) => {
    if (length > numbers.length) numbers = new Float64Array(Math.max(length, numbers.length * 2));
    return numbers.subarray(0, length);
  };
}

export function reusedWriter(bytesExpected: number): () => ByteWriter {
  let writer = new ByteWriter(bytesExpected);
  return () => {
    if (writer.capacity > WRITER_BYTES_KEPT) writer = new ByteWriter(bytesExpected);
    writer.length = 0;
    return writer;
  };
}
