import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { errorCode } from "#platform/errors.ts";

export const SALT_PERIODS = ["day", "week", "month"] as const;
export type SaltPeriod = (typeof SALT_PERIODS)[number];

export type Salt = { current(): Uint8Array };

const DAY_MS = 86_400_000;
const SALT_BYTES = 32;

/**
 * A random salt for each period (UTC), which all processes of a data folder share. It is deleted when the next period begins: then
 * nobody can find out any longer which value a hash stands for.
 */
export class RotatingSalt implements Salt {
  readonly #folder: string;
  readonly #period: SaltPeriod;
  readonly #clock: Clock;
  #name = "";
  #salt: Uint8Array = new Uint8Array();

  constructor({ folder, period, clock }: { folder: string; period: SaltPeriod; clock: Clock }) {
    this.#folder = folder;
    this.#period = period;
    this.#clock = clock;
  }

  current(): Uint8Array {
    const name = nameOf(this.#period, this.#clock.nowMs());
    if (name !== this.#name) {
      this.#salt = this.#open(name);
      this.#name = name;
    }
    return this.#salt;
  }

  #open(name: string): Uint8Array {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, name);
    try {
      // Another process may create it at the same time: the first one decides.
      writeFileSync(file, randomBytes(SALT_BYTES), { flag: "wx", mode: 0o600, flush: true });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    for (const other of readdirSync(this.#folder)) {
      if (other < name) rmSync(join(this.#folder, other), { force: true });
    }
    const salt = readFileSync(file);
    if (salt.length === SALT_BYTES) return salt;
    // Written only in part: the process that created it was killed, or the disk was full.
    rmSync(file, { force: true });
    return this.#open(name);
  }
}

/** `day-2026-11-29`, the first day of the period. */
function nameOf(period: SaltPeriod, nowMs: number): string {
  const day = new Date(nowMs);
  const sinceMonday = (day.getUTCDay() + 6) % 7;
  const first = period === "week" ? new Date(nowMs - sinceMonday * DAY_MS) : day;
  const date = first
    .toISOString()
    .slice(0, period === "month" ? "2026-11".length : "2026-11-29".length);
  return `${period}-${date}`;
}
