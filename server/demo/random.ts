/** Random numbers that are reproducible for a seed. */
export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Standard normal (Box and Muller, 1958). */
  normal(): number;
};

/** The generator sfc32 (C. Doty-Humphrey, PractRand) for a seed and a stream number. */
export function seededRandom(seed: number, stream: number): Random {
  let a = mixed(seed);
  let b = mixed(stream | 0);
  let c = mixed(Math.floor(stream / 2 ** 32) ^ 0x9e3779b9);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i += 1) next();
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return { next, normal };
}

/** A Poisson random number: by Knuth's product for small means, otherwise by the normal approximation. */
export function poisson(mean: number, random: Random): number {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}

/**
 * Noise that is a smooth function of time: normal values at the knots of a grid, blended between them by a cosine.
 * @param position time in knots
 */
export function smoothNoise(seed: number, position: number): number {
  const knot = Math.floor(position);
  const weight = (1 - Math.cos(Math.PI * (position - knot))) / 2;
  const left = seededRandom(seed, knot).normal();
  const right = seededRandom(seed, knot + 1).normal();
  return left * (1 - weight) + right * weight;
}

export function pick<T>(values: readonly [T, ...T[]], random: Random): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}

/** The finalizer of MurmurHash3 (A. Appleby). */
function mixed(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
