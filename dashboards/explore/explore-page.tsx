"use client";

import { parseAsString } from "nuqs";
import { useMemo, useRef, useState } from "react";

import { type EventDocument, EventOverview, type ProblemsMessage } from "../api.ts";
import { useUrlState } from "../client/url-state.ts";
import { type RangeState, searchOf, useRange } from "../client/use-range.ts";
import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { DeploysNote } from "../panels/deploys-note.tsx";
import { HolesNote } from "../panels/holes-note.tsx";
import { Failed } from "../panels/message.tsx";
import { useDeployMarks } from "../panels/use-deploy-marks.ts";
import { splitTerms, withoutTerm, withTerm } from "../search-terms.ts";
import { Shell } from "../shell/shell.tsx";
import type { Theme } from "../shell/theme.ts";
import { useKeys } from "../shell/use-keys.ts";
import { formatTime } from "../zone.ts";
import { EventDetail } from "./event-detail.tsx";
import { EventList } from "./event-list.tsx";
import { excludeValue, toggleValue } from "./facet-selection.ts";
import { Facets } from "./facets.tsx";
import { LazyHistogram } from "./lazy-histogram.tsx";
import { SearchBox } from "./search-box.tsx";
import { useReloads } from "./use-reloads.ts";

const STATE = {
  q: parseAsString.withDefault(""),
  event: parseAsString,
  cols: parseAsString.withDefault(""),
};
const BAD_REQUEST = 400;

/** Search over all events, with details. */
export function ExplorePage({ theme, problems }: { theme: Theme; problems: ProblemsMessage }) {
  const range = useRange();
  const { q, event, known, columns, actions } = useExploreState();
  const field = useRef<HTMLInputElement>(null);
  const search = searchOf({ from: range.from, to: range.to, q });
  const overview = useResource(EventOverview, `/api/events/overview?${search}`);
  const { data, problem } = overview;
  useReloads(overview);
  useKeys({ search: () => field.current?.focus() });
  const badQuery = problem?.status === BAD_REQUEST && q !== "" ? problem : undefined;
  return (
    <Shell
      page="explore"
      theme={theme}
      problems={problems}
      range={range}
      shown={data}
      demo={data?.demo ?? false}
      reload={overview.reload}
    >
      <h1 className="visually-hidden">Explore</h1>
      <div className="explore" data-open={event !== null || undefined}>
        <SearchBox
          key={q}
          query={q}
          onSearch={actions.submit}
          problem={badQuery}
          hints={data?.hints}
          field={field}
          label="Search events"
          placeholder='Search: checkout  status>=500  -method:GET  path:/api/*  "exact words"'
          action="Search"
        />
        {problem && !badQuery ? <Failed problem={problem} retry={overview.reload} /> : null}
        {data && !problem ? (
          <Found
            overview={data}
            range={range}
            search={search}
            query={q}
            opened={event}
            known={known}
            columns={columns}
            {...actions}
          />
        ) : null}
      </div>
    </Shell>
  );
}

/** Query, opened event and columns. The URL is their only state, except for the content of an event of the list. */
function useExploreState() {
  const [{ q, event, cols }, setState] = useUrlState(STATE);
  const [known, setKnown] = useState<EventDocument>();
  const actions = useMemo(() => {
    const submit = (query: string): void => void setState({ q: query || null, event: null });
    const toggle = (term: string): void =>
      submit(splitTerms(q).includes(term) ? withoutTerm(q, term) : withTerm(q, term));
    const open = (chosen: EventDocument | null): void => {
      setKnown(chosen ?? undefined);
      void setState({ event: chosen?.id ?? null });
    };
    const setColumns = (columns: readonly string[]): void =>
      void setState({ cols: columns.join(",") || null });
    const select = (field: string, value: string): void => submit(toggleValue(q, field, value));
    const exclude = (field: string, value: string): void => submit(excludeValue(q, field, value));
    return { submit, toggle, select, exclude, open, setColumns };
  }, [q, setState]);
  const columns = useMemo(() => cols.split(",").filter(Boolean), [cols]);
  return { q, event, known, columns, actions };
}

type FoundProps = {
  overview: EventOverview;
  range: RangeState;
  search: string;
  query: string;
  opened: string | null;
  known: EventDocument | undefined;
  toggle: (term: string) => void;
  select: (field: string, value: string) => void;
  exclude: (field: string, value: string) => void;
  open: (event: EventDocument | null) => void;
  columns: readonly string[];
  setColumns: (columns: readonly string[]) => void;
};

/** Search results: histogram, facets, events. */
function Found(props: FoundProps) {
  const { overview, range, search, query, opened, known, toggle, open, columns } = props;
  const { fromMs, toMs, count, live } = overview;
  const { zone } = range;
  const deploys = useDeployMarks({ fromMs, toMs, live, changed: undefined });
  return (
    <>
      <section className="histogram" aria-label="Overview">
        <ExploreTools {...props} />
        <LazyHistogram
          overview={overview}
          marks={deploys.marks}
          zone={zone}
          onZoom={range.setRange}
        />
        <HolesNote holes={overview.holes} zone={zone} />
        <DeploysNote {...deploys} zone={zone} />
      </section>
      <div className="explore-columns">
        <details className="facets-fold" open>
          <summary>Filters</summary>
          <Facets
            overview={overview}
            query={query}
            search={search}
            zone={zone}
            onToggle={props.select}
            onExclude={props.exclude}
          />
        </details>
        <EventList
          search={search}
          query={query}
          live={live}
          count={count}
          zone={zone}
          opened={opened}
          onOpen={open}
          columns={columns}
        />
        {opened === null ? null : (
          <EventDetail
            key={opened}
            id={opened}
            known={known}
            zone={zone}
            onTerm={toggle}
            onOpen={open}
            columns={columns}
            onColumns={props.setColumns}
            onClose={() => open(null)}
          />
        )}
      </div>
    </>
  );
}

/** The number of events, the columns of the list, and downloads. */
function ExploreTools({ overview, range, search, columns, setColumns }: FoundProps) {
  const { count, live, atMs } = overview;
  const csv = searchOf({ format: "csv", fields: columns.join(",") });
  return (
    <div className="explore-tools">
      <p className="count">
        <span data-testid="event-count">
          <b>{formatExact(count)}</b> {count === 1 ? "event" : "events"}
        </span>
        {live ? ` as of ${formatTime(atMs, range.zone)}` : ""}
      </p>
      <ColumnsField key={columns.join(",")} columns={columns} onColumns={setColumns} />
      <span>
        Download{" "}
        <a className="link" href={`/api/events/export?${search}&${csv}`} download>
          CSV
        </a>{" "}
        <a className="link" href={`/api/events/export?${search}&format=ndjson`} download>
          NDJSON
        </a>{" "}
        <a className="link" href={`/api/events/original?${search}`} download>
          Original lines
        </a>
      </span>
    </div>
  );
}

type ColumnsFieldProps = Pick<FoundProps, "columns"> & { onColumns: FoundProps["setColumns"] };

function ColumnsField({ columns, onColumns }: ColumnsFieldProps) {
  const [text, setText] = useState(columns.join(", "));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onColumns([...new Set(text.split(/[\s,]+/).filter(Boolean))]);
      }}
    >
      <label>
        Columns{" "}
        <input
          value={text}
          maxLength={1000}
          placeholder="url.path, source.ip"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
    </form>
  );
}
