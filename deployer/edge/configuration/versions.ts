import { z } from "zod";

import { AppError } from "#platform/errors.ts";

/** The template as Quarterdeck brings it has this number, whatever Quarterdeck is installed. */
export const SHIPPED = 0;
const VERSIONS_MAX = 200;

const Version = z.object({
  number: z.int().min(1),
  hash: z.string(),
  author: z.string(),
  reason: z.string(),
  /** Epoch ms. */
  atMs: z.number(),
  /** The version whose text it repeats; null if it was written. */
  repeats: z.number().nullable(),
  /** `applying`: not all nodes have it, or not all have left it. */
  state: z.enum(["applying", "applied", "went-back"]),
  endedMs: z.number().nullable(),
  /** Why it went back, for people. */
  failure: z.string().nullable(),
});
export type Version = z.output<typeof Version>;

/** All versions of the template, oldest first, and the one that all nodes have or return to. */
export const Versions = z.object({ current: z.int().min(0), versions: z.array(Version) });
export type Versions = z.output<typeof Versions>;

export const NO_VERSIONS: Versions = { current: SHIPPED, versions: [] };

type NewVersion = Pick<Version, "hash" | "author" | "reason" | "atMs" | "repeats">;

/** A version that nodes begin to get. @throws AppError conflict while another one is on its way */
export function begun({ current, versions }: Versions, added: NewVersion): Versions {
  const last = versions.at(-1);
  if (last?.state === "applying") {
    const message = `Version ${last.number} of ${last.author} is being applied: wait until that has ended.`;
    throw new AppError("conflict", message);
  }
  const number = (last?.number ?? SHIPPED) + 1;
  const version: Version = {
    ...added,
    number,
    state: "applying",
    endedMs: null,
    failure: null,
  };
  return { current, versions: [...versions, version].slice(-VERSIONS_MAX) };
}

/** All nodes have the version that was begun, or none has it any more, for the reason `failure`. */
export function ended(all: Versions, atMs: number, failure: string | null): Versions {
  const last = all.versions.at(-1);
  if (last?.state !== "applying") return all;
  const state = failure === null ? "applied" : "went-back";
  const version: Version = { ...last, state, endedMs: atMs, failure };
  return {
    current: failure === null ? version.number : all.current,
    versions: [...all.versions.slice(0, -1), version],
  };
}
