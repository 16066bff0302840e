"use client";

import { useCopy } from "../client/use-copy.ts";
import type { RangeState } from "../client/use-range.ts";
import { linkTo } from "../link.ts";
import type { RangeText } from "../time-range.ts";

type CopyLinkProps = {
  range: RangeState;
  /** The range on the screen as two instants; undefined while there is none. */
  held: RangeText | undefined;
  /** Whether it follows the clock. */
  live: boolean;
};

/** A link to what is on the screen: the same times for whoever opens it, or times that go on with the clock. */
export function CopyLink({ range, held, live }: CopyLinkProps) {
  const { copy, outcome } = useCopy();
  const copyLink = (of: RangeText | null): void => copy(linkTo(globalThis.location.href, of));
  const relative = range.from === null ? null : { from: range.from, to: range.to ?? "now" };
  return (
    <div className="presets wide">
      <button type="button" disabled={!held} onClick={() => held && copyLink(held)}>
        Copy link
      </button>
      {live ? (
        <button type="button" onClick={() => copyLink(relative)}>
          Copy live link
        </button>
      ) : null}
      <output className="quiet copied">{outcome}</output>
    </div>
  );
}
