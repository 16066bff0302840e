"use client";

import { useCopy } from "../client/use-copy.ts";
import type { RangeState } from "../client/use-range.ts";
import { linkTo } from "../link.ts";
import { absolute, type RangeText } from "../time-range.ts";
import { useKeys } from "./use-keys.ts";

type CopyLinkProps = {
  range: RangeState;
  /** The displayed range as two times; undefined while there is none. */
  held: RangeText | undefined;
  /** Whether the range follows the clock. */
  live: boolean;
};

/** Copies a link to the current view, with absolute times or with times relative to now. */
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

/** Copies a link to the current view by key. */
export function ShareLink({ shown }: { shown: { fromMs: number; toMs: number } | undefined }) {
  const { copy, outcome } = useCopy();
  useKeys({
    share: () =>
      shown && copy(linkTo(globalThis.location.href, absolute(shown.fromMs, shown.toMs))),
  });
  return <output className="copied-link">{outcome ? `Link to this view: ${outcome}` : ""}</output>;
}
