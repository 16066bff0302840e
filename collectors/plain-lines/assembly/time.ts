import { twoDigits } from "./bytes";

/**
 * Epoch ms of the 26 bytes at the address, with the clock at 00:00:00; NaN if they are no such time. Sets the numbers of the
 * layouts for this day and zone.
 */
declare function dayOf(at: usize): f64;

// Where the day and the zone of the line before are kept.
const DAY_A: usize = 96;
const DAY_B: usize = 104;
const ZONE_A: usize = 108;
const ZONE_B: usize = 112;
const DAY_MS: usize = 120;

/** To be called when the layouts have other numbers. */
export function forgetDay(): void {
  store<u64>(DAY_A, 0);
}

/** Epoch ms of the time in the 26 bytes; NaN if they are no time. */
export function timeOf(at: usize): f64 {
  const dayA = load<u64>(at);
  const dayB = load<u32>(at, 7);
  const zoneA = load<u32>(at, 20);
  const zoneB = <u32>load<u16>(at, 24);
  if (
    load<u64>(DAY_A) != dayA ||
    load<u32>(DAY_B) != dayB ||
    load<u32>(ZONE_A) != zoneA ||
    load<u32>(ZONE_B) != zoneB
  ) {
    store<f64>(DAY_MS, dayOf(at));
    store<u64>(DAY_A, dayA);
    store<u32>(DAY_B, dayB);
    store<u32>(ZONE_A, zoneA);
    store<u32>(ZONE_B, zoneB);
  }
  const hours = twoDigits(at + 12);
  const minutes = twoDigits(at + 15);
  const seconds = twoDigits(at + 18);
  if (hours > 23 || minutes > 59 || seconds > 60) return NaN;
  return load<f64>(DAY_MS) + <f64>(((hours * 60 + minutes) * 60 + seconds) * 1000);
}
