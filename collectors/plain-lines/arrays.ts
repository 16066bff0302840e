/**
 * Arrays in the memory of the module of plain lines, which columns use until they are too small. `leave` is called when a
 * column does not use them any longer; it returns to them when it is emptied.
 */
type Shared = { leave(): void };

export type NumberArrays = Shared & { values: Float64Array<ArrayBuffer> };

export type TextArrays = Shared & {
  head: Uint32Array<ArrayBuffer>;
  ids: Uint32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
  slots: Uint32Array<ArrayBuffer>;
  values: Uint8Array<ArrayBuffer>;
};

export type LineArrays = Shared & {
  starts: Uint32Array<ArrayBuffer>;
  lengths: Uint32Array<ArrayBuffer>;
  /** The whole memory, and where the lines are in it: from `begin` up to `end`. */
  memory: Buffer<ArrayBuffer>;
  begin: number;
  end: number;
};
