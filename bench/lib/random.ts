/** A small, fast, seeded generator (xorshift32, G. Marsaglia 2003), so that every run has the same data. */
export function seededUniform(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
