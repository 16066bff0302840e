"use client";

import type { EventOverview } from "../api.ts";
import { formatQuantity } from "../format.ts";
import { splitTerms, term } from "../search-terms.ts";
import { cutText, visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";

type FacetsProps = {
  facets: EventOverview["facets"];
  query: string;
  /** Toggles a term of the query. */
  onTerm: (term: string) => void;
};

const VALUE_CHARACTERS_MAX = 60;

/** The most frequent values of each field: one click filters by a value, another excludes it. */
export function Facets({ facets, query, onTerm }: FacetsProps) {
  const terms = new Set(splitTerms(query));
  const filled = facets.filter(({ values }) => values.length > 0);
  return (
    <div className="facets">
      {filled.map(({ field, values }) => (
        <section key={field}>
          <h2>{field}</h2>
          <ul>
            {values.map(({ value, count }) => (
              <FacetValue
                key={value}
                field={field}
                value={value}
                count={count}
                chosen={terms.has(term(field, value))}
                onTerm={onTerm}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

type FacetValueProps = {
  field: string;
  value: string;
  count: number;
  chosen: boolean;
  onTerm: (term: string) => void;
};

function FacetValue({ field, value, count, chosen, onTerm }: FacetValueProps) {
  const wanted = term(field, value);
  return (
    <li>
      <button
        type="button"
        className="facet"
        aria-pressed={chosen}
        onClick={(event) => onTerm(event.altKey ? `-${wanted}` : wanted)}
      >
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
        onClick={() => onTerm(`-${wanted}`)}
      >
        <span aria-hidden="true">−</span>
      </button>
    </li>
  );
}
