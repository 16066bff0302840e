import { OUTPUT, OUTPUT_BYTES, RESULT_BYTES, RESULTS } from "../layout";

/** Where the results of a kind are. */
export function resultOf(kind: u32): usize {
  return <usize>RESULTS + <usize>kind * RESULT_BYTES;
}

/** Where its messages, and MEMBERS bytes later its members, are. */
export function outputOf(kind: u32): usize {
  return <usize>OUTPUT + <usize>kind * OUTPUT_BYTES;
}

/** Adds a count to the number at an address. */
export function add(at: usize, count: u32): void {
  store<u32>(at, load<u32>(at) + count);
}
