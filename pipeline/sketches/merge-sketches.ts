import { DistinctSketch } from "./distinct-sketch.ts";
import { Gauge } from "./gauge.ts";

/** Merges the sketches of a cell. Their first byte is their kind, so that stores do not depend on measures. */
export function mergeSketches(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  const merged = first && Gauge.isGauge(first) ? new Gauge() : new DistinctSketch();
  for (const part of parts) merged.mergeBytes(part);
  return merged.toBytes();
}
