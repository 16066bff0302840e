import type { Zone } from "../zone.ts";
import { offsetMs } from "./time.ts";

const HOUR_MS = 3_600_000;
/**
 * Hours east of UTC of the abbreviations that programs print for time zones. Of those with several meanings, the one
 * that fits the zone of the stream applies, otherwise the first one, which is the default of PostgreSQL.
 */
const HOURS: Readonly<Record<string, readonly number[]>> = {
  UTC: [0],
  GMT: [0],
  Z: [0],
  UCT: [0],
  WET: [0],
  WEST: [1],
  BST: [1, 6],
  IST: [2, 5.5, 1],
  CET: [1],
  CEST: [2],
  MET: [1],
  MEST: [2],
  EET: [2],
  EEST: [3],
  MSK: [3],
  SAST: [2],
  WAT: [1],
  CAT: [2],
  EAT: [3],
  IDT: [3],
  PKT: [5],
  NPT: [5.75],
  WIB: [7],
  WITA: [8],
  EST: [-5],
  EDT: [-4],
  CST: [-6, 8],
  CDT: [-5],
  MST: [-7],
  MDT: [-6],
  PST: [-8],
  PDT: [-7],
  AKST: [-9],
  AKDT: [-8],
  HST: [-10],
  AST: [-4, 3],
  ADT: [-3],
  NST: [-3.5],
  NDT: [-2.5],
  BRT: [-3],
  BRST: [-2],
  ART: [-3],
  CLT: [-4],
  CLST: [-3],
  COT: [-5],
  HKT: [8],
  SGT: [8],
  PHT: [8],
  AWST: [8],
  JST: [9],
  KST: [9],
  ACST: [9.5],
  ACDT: [10.5],
  AEST: [10],
  AEDT: [11],
  NZST: [12],
  NZDT: [13],
};
const OFFSETS: ReadonlyMap<string, readonly number[]> = new Map(Object.entries(HOURS));

/** The zone of `CEST`, `+03` or `-05:30` in a time of this zone; the zone itself if the name is unknown. */
export function zoneOfAbbreviation(name: string, zone: Zone): Zone {
  const offsets = OFFSETS.get(name.toUpperCase());
  if (offsets) {
    const candidates = offsets.map((hours) => hours * HOUR_MS);
    const [usual = 0] = candidates;
    if (candidates.length === 1) return { name, eastMs: () => usual };
    return {
      name,
      eastMs(wallMs) {
        const ofZone = zone.eastMs(wallMs);
        return candidates.includes(ofZone) ? ofZone : usual;
      },
    };
  }
  const bytes = Buffer.from(name);
  const eastMs = offsetMs(bytes, 0, bytes.length);
  return Number.isNaN(eastMs) ? zone : { name, eastMs: () => eastMs };
}
