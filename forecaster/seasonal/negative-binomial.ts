import { cumulativeStdNormalProbability, probit } from "simple-statistics";

/**
 * A count with the given mean and a variance of mean + dispersion · mean². Without dispersion it is a Poisson count.
 */
export type CountDistribution = { mean: number; dispersion: number };

/** Below this, the negative binomial distribution is numerically a Poisson distribution. */
const DISPERSION_MIN = 1e-9;
/** From this mean on, a normal distribution is close enough, and much faster. */
const NORMAL_MEAN_MIN = 1000;
/** A count is at most this many standard deviations above its mean. */
const SIGMAS_MAX = 50;

const sigmaOf = ({ mean, dispersion }: CountDistribution): number =>
  Math.sqrt(mean + dispersion * mean * mean);

/** The probabilities of 0, 1, 2, …; the rest beyond the last one is negligible. */
function* probabilities(distribution: CountDistribution): Generator<number> {
  const { mean, dispersion } = distribution;
  const isPoisson = dispersion < DISPERSION_MIN;
  const size = 1 / dispersion;
  const share = mean / (mean + size);
  const countMax = mean + SIGMAS_MAX * (1 + sigmaOf(distribution));
  // In logarithms, because the probability of 0 underflows for large means.
  let log = isPoisson ? -mean : -size * Math.log1p(mean * dispersion);
  for (let count = 0; count <= countMax; count += 1) {
    yield Math.exp(log);
    log += Math.log((isPoisson ? mean : share * (count + size)) / (count + 1));
  }
}

/** The probability of at most `count`; 0 for a negative count. */
export function probabilityUpTo(count: number, distribution: CountDistribution): number {
  const { mean } = distribution;
  if (count < 0) return 0;
  if (!(mean > 0)) return 1;
  if (mean >= NORMAL_MEAN_MIN) {
    return cumulativeStdNormalProbability((count - mean) / sigmaOf(distribution));
  }
  let sum = 0;
  let at = 0;
  for (const probability of probabilities(distribution)) {
    if (at > count) break;
    sum += probability;
    at += 1;
  }
  return Math.min(1, sum);
}

/** The smallest count that is not exceeded with the probability `share`, of 0 < share < 1. */
export function countQuantile(share: number, distribution: CountDistribution): number {
  const { mean } = distribution;
  if (!(mean > 0)) return 0;
  if (mean >= NORMAL_MEAN_MIN) {
    return Math.max(0, Math.round(mean + probit(share) * sigmaOf(distribution)));
  }
  let sum = 0;
  let count = 0;
  for (const probability of probabilities(distribution)) {
    sum += probability;
    if (sum >= share) break;
    count += 1;
  }
  return count;
}
