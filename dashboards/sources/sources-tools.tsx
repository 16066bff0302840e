"use client";

import { type RefObject, useEffect, useState } from "react";

import { usePaused } from "../client/use-paused.ts";
import { formatExact } from "../format.ts";
import { GROUPS, SORTS, SOURCE_STATES, type SourcesAnswer, type SourceState } from "./messages.ts";
import { GROUP_WORDS, SORT_WORDS, STATES } from "./source-words.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

type ToolsProps = {
  answer: SourcesAnswer;
  view: SourcesViewState;
  field: RefObject<HTMLInputElement | null>;
};

/** Search, the number of sources by state, order and groups. */
export function SourcesTools({ answer, view, field }: ToolsProps) {
  return (
    <div className="sources-tools">
      <SearchField key={view.find} view={view} field={field} />
      <StateFilter answer={answer} view={view} />
      <label>
        Sort by{" "}
        <select
          value={view.sort}
          onChange={({ target }) =>
            void view.set({ sort: SORTS.find((it) => it === target.value) ?? null })
          }
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {SORT_WORDS[sort]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Group by{" "}
        <select
          value={view.group}
          onChange={({ target }) =>
            void view.set({ group: GROUPS.find((it) => it === target.value) ?? null })
          }
        >
          {GROUPS.map((group) => (
            <option key={group} value={group}>
              {GROUP_WORDS[group]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function SearchField({ view, field }: Omit<ToolsProps, "answer">) {
  const { find, set } = view;
  const [text, setText] = useState(find);
  const paused = usePaused(text);
  useEffect(() => {
    if (paused !== find) void set({ find: paused || null }, { history: "replace" });
  }, [paused, find, set]);
  return (
    <search>
      <input
        ref={field}
        type="search"
        value={text}
        maxLength={200}
        aria-label="Search sources"
        placeholder="Search: name, path, kind or format"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
    </search>
  );
}

function StateFilter({ answer, view }: Omit<ToolsProps, "field">) {
  const shown = SOURCE_STATES.filter(
    (state) => (answer.counts[state] ?? 0) > 0 || state === view.state,
  );
  const choose = (state: SourceState | null): void => void view.set({ state });
  return (
    <fieldset className="source-counts">
      <legend className="visually-hidden">Sources by state</legend>
      <button type="button" aria-pressed={view.state === null} onClick={() => choose(null)}>
        All {formatExact(answer.total)}
      </button>
      {shown.map((state) => (
        <button
          key={state}
          type="button"
          title={STATES[state].meaning}
          aria-pressed={view.state === state}
          onClick={() => choose(view.state === state ? null : state)}
        >
          <span className="source-shape" data-state={state} aria-hidden="true">
            {STATES[state].shape}
          </span>{" "}
          {STATES[state].word} {formatExact(answer.counts[state] ?? 0)}
        </button>
      ))}
    </fieldset>
  );
}
