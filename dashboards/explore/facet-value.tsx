"use client";

import { formatQuantity } from "../format.ts";
import { cutText, visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";

export type FacetActions = {
  /** Selects a value, or removes its selection. */
  onToggle: (field: string, value: string) => void;
  onExclude: (field: string, value: string) => void;
};

type FacetValueProps = FacetActions & {
  field: string;
  value: string;
  count: number;
  isSelected: boolean;
};

const VALUE_CHARACTERS_MAX = 60;

export function FacetValue(props: FacetValueProps) {
  const { field, value, count, isSelected, onToggle, onExclude } = props;
  return (
    <li>
      <button
        type="button"
        className="facet"
        aria-pressed={isSelected}
        onClick={(event) => (event.altKey ? onExclude : onToggle)(field, value)}
      >
        <span className="facet-mark" aria-hidden="true" />
        <span className="facet-value">
          <Untrusted text={value} charactersMax={VALUE_CHARACTERS_MAX} />
        </span>
        <span className="num quiet">{formatQuantity(count, "count")}</span>
      </button>
      <button
        type="button"
        className="icon facet-not"
        aria-label={`Exclude ${field} ${visibleText(cutText(value, VALUE_CHARACTERS_MAX).text)}`}
        title="Exclude"
        onClick={() => onExclude(field, value)}
      >
        <span aria-hidden="true">−</span>
      </button>
    </li>
  );
}
