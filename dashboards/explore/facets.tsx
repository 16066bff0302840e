"use client";

import { type ReactNode, useEffect, useRef, useState } from "react";

import { type EventOverview, FacetValues } from "../api.ts";
import { usePaused } from "../client/use-paused.ts";
import { searchOf } from "../client/use-range.ts";
import { useResource } from "../client/use-resource.ts";
import { formatTime, type Zone } from "../zone.ts";
import { selectedValues } from "./facet-selection.ts";
import { type FacetActions, FacetValue } from "./facet-value.tsx";

type FacetsProps = FacetActions & {
  overview: Pick<EventOverview, "facets" | "live" | "atMs">;
  query: string;
  /** The search as a query string. */
  search: string;
  zone: Zone;
};

/**
 * The most frequent values of each field. Several values of a field can be selected: an event must have one of them, and
 * one of each field.
 */
export function Facets({ overview, query, search, zone, ...actions }: FacetsProps) {
  const { facets, live, atMs } = overview;
  const shown = facets
    .map(({ field, values }) => {
      const selected = selectedValues(query, field);
      return { field, selected, values: withSelected(values, selected) };
    })
    .filter(({ values }) => values.length > 0);
  return (
    <div className="facets">
      {live ? (
        <p className="quiet" data-testid="facets-time">
          Counts as of {formatTime(atMs, zone)}, counted again every few seconds
        </p>
      ) : null}
      {shown.map((facet) => (
        <Facet key={facet.field} {...facet} search={search} atMs={atMs} {...actions} />
      ))}
    </div>
  );
}

/** Values in an overview; with as many there may be more. */
const VALUES_FIRST = 8;

type Values = EventOverview["facets"][number]["values"];

/** A selected value without events in this range can still be removed. */
function withSelected(values: Values, selected: readonly string[]): Values {
  const listed = new Set(values.map(({ value }) => value));
  const others = selected.filter((value) => !listed.has(value));
  return [...values, ...others.map((value) => ({ value, count: 0 }))];
}

type FacetProps = FacetActions & {
  field: string;
  values: Values;
  selected: readonly string[];
  search: string;
  /** The time of the counts: others are loaded again when it changes. */
  atMs: number;
};

function Facet({ field, values, selected, search, atMs, ...actions }: FacetProps) {
  const [isOpen, setIsOpen] = useState(false);
  const list = (shown: Values) => (
    <ul aria-label={`Values of ${field}`}>
      {shown.map(({ value, count }) => (
        <FacetValue
          key={value}
          field={field}
          value={value}
          count={count}
          isSelected={selected.includes(value)}
          {...actions}
        />
      ))}
    </ul>
  );
  return (
    <section>
      <h2>{field}</h2>
      {isOpen ? (
        <AllValues field={field} search={search} first={values} atMs={atMs} list={list} />
      ) : (
        list(values)
      )}
      {values.length >= VALUES_FIRST || isOpen ? (
        <button
          type="button"
          className="link"
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? "Fewer" : "More"} values<span className="visually-hidden"> of {field}</span>
        </button>
      ) : null}
    </section>
  );
}

type AllValuesProps = {
  field: string;
  search: string;
  first: Values;
  atMs: number;
  list: (values: Values) => ReactNode;
};

/** All values of a field that contain a text, up to the limit of the server; `first` until they have loaded. */
function AllValues({ field, search, first, atMs, list }: AllValuesProps) {
  const [text, setText] = useState("");
  const containing = usePaused(text.trim());
  const url = [search, searchOf({ field, containing })].filter(Boolean).join("&");
  const { data, reload } = useResource(FacetValues, `/api/events/facet?${url}`);
  const countedMs = useRef(atMs);
  useEffect(() => {
    if (countedMs.current === atMs) return;
    countedMs.current = atMs;
    reload();
  }, [atMs, reload]);
  return (
    <>
      <input
        type="search"
        className="facet-search"
        aria-label={`Search the values of ${field}`}
        placeholder="Search values"
        maxLength={200}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {list(data?.values ?? first)}
      {data?.values.length === 0 ? <p className="quiet">No value contains this text.</p> : null}
      {data && !data.isComplete ? (
        <p className="quiet">
          The {data.values.length} most frequent values. Search to find others.
        </p>
      ) : null}
    </>
  );
}
