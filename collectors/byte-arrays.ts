/** A view that reads and writes several bytes at a time. */
export const viewAll = (bytes: Uint8Array<ArrayBuffer>): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Copies the bytes [start, end), four at a time. */
export function copyBytes(
  { view, start, end }: { view: DataView; start: number; end: number },
  to: DataView,
  at: number,
): void {
  let i = start;
  let j = at;
  for (; i + 4 <= end; i += 4, j += 4) to.setInt32(j, view.getInt32(i, true), true);
  for (; i < end; i += 1, j += 1) to.setUint8(j, view.getUint8(i));
}

/** A copy with at least twice the room. */
export function grownBytes(
  array: Uint8Array<ArrayBuffer>,
  lengthMin: number,
): Uint8Array<ArrayBuffer> {
  const bigger = new Uint8Array(Math.max(array.length * 2, lengthMin));
  bigger.set(array);
  return bigger;
}

/** A copy with more room. */
export function grownWords(
  array: Uint32Array<ArrayBuffer>,
  length = array.length * 2,
): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(length);
  bigger.set(array);
  return bigger;
}
