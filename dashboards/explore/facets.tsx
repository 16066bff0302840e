"use client";

import { type ReactNode, useState } from "react";

import { type EventOverview, FacetValues } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { formatQuantity } from "../format.ts";
import { splitTerms, term } from "../search-terms.ts";
import { cutText, visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";

type FacetsProps = {
  facets: EventOverview["facets"];
  query: string;
  /** The search as a query string. */
  search: string;
  /** Toggles a term of the query. */
  onTerm: (term: string) => void;
};

const VALUE_CHARACTERS_MAX = 60;

/** The most frequent values of each field: one click filters by a value, another excludes it. */
export function Facets({ facets, query, search, onTerm }: FacetsProps) {
  const terms = new Set(splitTerms(query));
  const filled = facets.filter(({ values }) => values.length > 0);
  return (
    <div className="facets">
      {filled.map(({ field, values }) => (
        <Facet
          key={field}
          field={field}
          values={values}
          terms={terms}
          search={search}
          onTerm={onTerm}
        />
      ))}
    </div>
  );
}

/** Values in an overview; with as many there may be more. */
const VALUES_FIRST = 8;

type FacetProps = EventOverview["facets"][number] & {
  terms: ReadonlySet<string>;
  search: string;
  onTerm: (term: string) => void;
};

function Facet({ field, values, terms, search, onTerm }: FacetProps) {
  const [isOpen, setIsOpen] = useState(false);
  const list = (shown: FacetProps["values"]) => (
    <ul>
      {shown.map(({ value, count }) => (
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
  );
  return (
    <section>
      <h2>{field}</h2>
      {isOpen ? (
        <AllValues field={field} search={search} first={values} list={list} />
      ) : (
        list(values)
      )}
      {values.length >= VALUES_FIRST ? (
        <button
          type="button"
          className="link"
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? "fewer" : "more"} values<span className="visually-hidden"> of {field}</span>
        </button>
      ) : null}
    </section>
  );
}

type AllValuesProps = {
  field: string;
  search: string;
  first: FacetProps["values"];
  list: (values: FacetProps["values"]) => ReactNode;
};

/** All values of a field up to the limit of the server; those of the overview until they have loaded. */
function AllValues({ field, search, first, list }: AllValuesProps) {
  const url = `/api/events/facet?${search}${search ? "&" : ""}field=${encodeURIComponent(field)}`;
  const { data } = useResource(FacetValues, url);
  return (
    <>
      {list(data?.values ?? first)}
      {data && !data.isComplete ? (
        <p className="quiet">The {data.values.length} most frequent values. Search for others.</p>
      ) : null}
    </>
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
