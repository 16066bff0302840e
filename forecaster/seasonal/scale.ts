/** A transform that makes the noise of a series about equal at all levels, and its inverse. */
export type Scale = { to(value: number): number; from(value: number): number };

const identity: Scale = { to: (value) => value, from: (value) => value };

/** Stabilizes the variance of counts; negative values count as zero. */
const root: Scale = {
  to: (value) => Math.sqrt(Math.max(value, 0)),
  from: (value) => (value > 0 ? value * value : 0),
};

const LOG_MAX = 50;
const log: Scale = {
  to: (value) => Math.log(Math.max(value, 1e-12)),
  from: (value) => Math.exp(Math.min(value, LOG_MAX)),
};

export const scales = { identity, root, log };

export function rescale(values: Float64Array, scale: Scale): Float64Array {
  return scale === identity ? values : values.map((value) => scale.to(value));
}

export function unscale(values: Float64Array, scale: Scale): Float64Array {
  return scale === identity ? values : values.map((value) => scale.from(value));
}
