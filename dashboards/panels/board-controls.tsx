"use client";

import { type RefObject, useRef, useState } from "react";

import type { Problem, SearchHint } from "../api.ts";
import { Link } from "../client/link.tsx";
import type { BoardView } from "../client/use-board-view.ts";
import { type RangeState, searchOf } from "../client/use-range.ts";
import { SearchBox } from "../explore/search-box.tsx";
import { queryOf } from "../search-terms.ts";
import { useKeys } from "../shell/use-keys.ts";

type BoardControlsProps = {
  range: RangeState;
  view: BoardView;
  /** A mistake in the query. */
  problem: Problem | undefined;
  hints: readonly SearchHint[] | undefined;
};

/** Filter, break-down and comparison of the whole board. */
export function BoardControls({ range, view, problem, hints }: BoardControlsProps) {
  const field = useRef<HTMLInputElement>(null);
  const byField = useRef<HTMLInputElement>(null);
  const { q, from, to, zone } = range;
  const { by, compare, setBy, setCompare, compareToday } = view;
  useKeys({
    search: () => field.current?.focus(),
    breakDown: () => byField.current?.focus(),
    comparePrevious: () => setCompare("previous"),
    compareWeek: () => setCompare("week"),
    compareToday,
    compareNothing: () => setCompare(null),
  });
  const tz = zone === "utc" ? "utc" : null;
  return (
    <div className="board-controls">
      <SearchBox
        key={q}
        query={q}
        onSearch={(text) => range.setQuery(queryOf(text))}
        problem={problem}
        hints={hints}
        field={field}
        label="Filter the board"
        placeholder="Filter: status:404  ip:203.0.113.5  path:/api/*"
        action="Filter"
      />
      {q === "" ? null : (
        <span className="board-filter-tools">
          <Link href={`/explore?${searchOf({ from, to, q, tz })}`} prefetch={false}>
            Search these events
          </Link>
          <button type="button" className="link" onClick={() => range.setQuery("")}>
            Clear the filter
          </button>
        </span>
      )}
      <ByField key={`by ${by ?? ""}`} by={by ?? ""} onBy={setBy} field={byField} />
      <label className="board-control">
        Compare with{" "}
        <select
          value={compare ?? ""}
          onChange={({ target: { value } }) => {
            if (value === "today") compareToday();
            else setCompare(value === "week" || value === "previous" ? value : null);
          }}
        >
          <option value="">nothing</option>
          <option value="previous">previous period</option>
          <option value="week">same time last week</option>
          <option value="today">today with last week</option>
        </select>
      </label>
    </div>
  );
}

/** Often used fields; any other one can be typed. */
const FIELDS = [
  "status",
  "method",
  "route",
  "path",
  "host",
  "source.address",
  "user",
  "agent",
  "referrer",
  "instance",
  "level",
  "action",
  "url.domain",
  "http.version",
  "service.name",
  "log.file.path",
];

type ByFieldProps = {
  by: string;
  onBy: (field: string | null) => void;
  field: RefObject<HTMLInputElement | null>;
};

function ByField({ by, onBy, field }: ByFieldProps) {
  const [text, setText] = useState(by);
  const apply = (): void => {
    if (text.trim() !== by) onBy(text.trim());
  };
  return (
    <form
      className="board-control"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <label>
        Break down by{" "}
        <input
          ref={field}
          list="break-down-fields"
          value={text}
          maxLength={200}
          size={16}
          placeholder="any field"
          spellCheck={false}
          autoComplete="off"
          onBlur={apply}
          onChange={(event) => {
            setText(event.target.value);
            // A choice from the list is complete; a typed name is not yet.
            if (!("inputType" in event.nativeEvent)) onBy(event.target.value);
          }}
        />
      </label>
      <datalist id="break-down-fields">
        {FIELDS.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </datalist>
    </form>
  );
}
