import type { Hole } from "../api.ts";
import { formatExact } from "../format.ts";
import { formatRange, type Zone } from "../zone.ts";

const RANGES_MAX = 3;

/** Explains the hatched ranges of the charts: their numbers may be incomplete, not zero. */
export function HolesNote({ holes, zone }: { holes: readonly Hole[]; zone: Zone }) {
  if (holes.length === 0) return null;
  const events = holes.reduce((sum, hole) => sum + hole.events, 0);
  const ranges = holes
    .slice(0, RANGES_MAX)
    .map(({ fromMs, toMs }) => formatRange(fromMs, toMs, zone))
    .join(", ");
  const more = holes.length > RANGES_MAX ? ` and ${holes.length - RANGES_MAX} more ranges` : "";
  return (
    <p className="holes-note" role="note" data-testid="holes">
      <i className="key key-hole" aria-hidden="true" />
      <span>
        Hatched: {formatExact(events)} {events === 1 ? "event" : "events"} cannot be read ({ranges}
        {more}), so numbers over this time may be incomplete.
      </span>
    </p>
  );
}
