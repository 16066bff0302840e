import { hash } from "node:crypto";

import { z } from "zod";

import type { Position, Positions, SourceId } from "#collectors/source.ts";

import type { ListedObject } from "./s3-api.ts";

/**
 * An object appears in a listing up to so long after the time that S3 states for it, which is that of the beginning of
 * its upload by another clock.
 */
const LATE_MS = 2 * 3_600_000;

const Keys = z.array(z.string());

/** Where the passes through a listing are. */
export type ListingState = {
  /** Objects that were modified up to this time were read, or are older than what is to be read; epoch ms. */
  floorMs: number;
  /** When the present pass began, epoch ms; undefined between two passes. */
  startMs: number | undefined;
  /** The last key of the present pass whose object was read. */
  after: string | undefined;
  /** Keys of objects to which access was denied. */
  postponed: readonly string[];
};

/** Identifies the stream of a listing, which has a position and no lines. */
export const listingIdOf = (name: string): SourceId =>
  `src_${hash("sha256", `${name}\nlisting`, "hex").slice(0, 24)}`;

export function storedListing(name: string, positions: Positions, fromMs: number): ListingState {
  const position = positions.get(listingIdOf(name));
  const { floor, start, after, postponed } = position ?? {};
  return {
    floorMs: Math.max(fromMs, Number(floor ?? 0)),
    startMs: typeof start === "number" ? start : undefined,
    after: typeof after === "string" ? after : undefined,
    postponed: typeof postponed === "string" ? Keys.parse(JSON.parse(postponed)) : [],
  };
}

export const listingPosition = ({
  floorMs,
  startMs,
  after,
  postponed,
}: ListingState): Position => ({
  floor: floorMs,
  ...(startMs !== undefined && { start: startMs }),
  ...(after !== undefined && { after }),
  ...(postponed.length > 0 && { postponed: JSON.stringify(postponed) }),
});

export const beginPass = (state: ListingState, nowMs: number): ListingState =>
  state.startMs === undefined ? { ...state, startMs: nowMs, after: undefined } : state;

/** After a pass, what was modified long enough before it is not looked at again. */
export const endPass = ({ floorMs, startMs, postponed }: ListingState): ListingState => ({
  postponed,
  floorMs: Math.max(floorMs, (startMs ?? 0) - LATE_MS),
  startMs: undefined,
  after: undefined,
});

/** Whether the object may not have been read, as far as its time shows. */
export const isCandidate = ({ floorMs }: ListingState, { modifiedMs }: ListedObject): boolean =>
  modifiedMs > floorMs;

/** Whether the next pass will look at the object again: it must be remembered as read until then. */
export const isRecent = ({ startMs }: ListingState, { modifiedMs }: ListedObject): boolean =>
  modifiedMs > (startMs ?? 0) - LATE_MS;
