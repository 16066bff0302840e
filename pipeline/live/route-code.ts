import { BUCKET_MIN, NO_BUCKET } from "../sketches/latency-sketch.ts";

/**
 * A route code packs the number of a route and the outcome of a response (error or not, latency bucket) into one
 * unsigned 32-bit number, so that a table of plain numbers can count them: `route * CODES_PER_ROUTE + outcome`.
 */
export const CODES_PER_ROUTE = 2048;
/** Added to the outcome of an error. The rest is the latency bucket, counted from 1, or 0 if it is unknown. */
const ERROR = 1024;
const LATENCY_ORIGIN = BUCKET_MIN - 1;

export function routeCode(route: number, isError: boolean, bucket: number): number {
  const latency = bucket === NO_BUCKET ? 0 : bucket - LATENCY_ORIGIN;
  return route * CODES_PER_ROUTE + (isError ? ERROR : 0) + latency;
}

export const routeOf = (code: number): number => Math.floor(code / CODES_PER_ROUTE);

/** The code without its route. */
export const outcomeOf = (code: number): number => code % CODES_PER_ROUTE;

/** Whether a code or an outcome is an error. */
export const isErrorCode = (code: number): boolean => outcomeOf(code) >= ERROR;

/** The latency bucket of a code or an outcome; NO_BUCKET if the response time is unknown. */
export function bucketOfCode(code: number): number {
  const latency = code % ERROR;
  return latency === 0 ? NO_BUCKET : latency + LATENCY_ORIGIN;
}
