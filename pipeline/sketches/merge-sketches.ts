import { DistinctSketch } from "./distinct-sketch.ts";
import { Gauge } from "./gauge.ts";

/** Sketches of the same cell, merged into one. Their first byte is their kind, so that a store need not know measures. */
export function mergeSketches(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  const merged = first && Gauge.isGauge(first) ? new Gauge() : new DistinctSketch();
  for (const part of parts) merged.mergeBytes(part);
  return merged.toBytes();
}
