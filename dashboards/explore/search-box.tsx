"use client";

import { type FormEvent, type RefObject, useState } from "react";

import type { Problem, SearchHint } from "../api.ts";
import { Link } from "../client/link.tsx";
import { SEARCH_HELP_PATH } from "../link.ts";
import { queryOf } from "../search-terms.ts";
import { visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import { SearchInput } from "./search-input.tsx";
import { usePastedAddress } from "./use-pasted-address.ts";

type SearchBoxProps = {
  query: string;
  onSearch: (query: string) => void;
  problem: Problem | undefined;
  hints: readonly SearchHint[] | undefined;
  field: RefObject<HTMLInputElement | null>;
  label: string;
  placeholder: string;
  /** The button's text. */
  action: string;
};

const HINT_CHARACTERS_MAX = 200;

/** The query as text, with its error below at the column of the mistake. */
export function SearchBox(props: SearchBoxProps) {
  const { query, onSearch, problem, hints, field, label, placeholder, action } = props;
  const [text, setText] = useState(query);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSearch(text.trim());
  };
  usePastedAddress(field, (address) => onSearch(queryOf(address)));
  const column = columnOf(problem);
  return (
    <search>
      <form className="search" onSubmit={submit}>
        <SearchInput
          text={text}
          onText={setText}
          field={field}
          label={label}
          placeholder={placeholder}
          isInvalid={problem !== undefined}
        />
        <button type="submit" className="primary">
          {action}
        </button>
        <Link
          className="icon search-help"
          href={SEARCH_HELP_PATH}
          target="_blank"
          prefetch={false}
          aria-label="How to write a search, in a new tab"
          title="How to write a search (h)"
        >
          <span aria-hidden="true">?</span>
        </Link>
      </form>
      {problem ? (
        <div id="search-problem" className="field-error" role="alert">
          {column !== undefined ? (
            <pre aria-hidden="true">
              {visibleText(query)}
              {"\n"}
              {" ".repeat(visibleText(query.slice(0, Math.max(0, column - 1))).length)}^
            </pre>
          ) : null}
          <Untrusted text={problem.detail ?? problem.title} />
        </div>
      ) : (
        <SearchHints hints={hints} onSearch={onSearch} />
      )}
    </search>
  );
}

function SearchHints({ hints, onSearch }: Pick<SearchBoxProps, "hints" | "onSearch">) {
  return (
    <output>
      {hints?.map(({ text, query }) => (
        <p key={query} className="search-hint">
          <Untrusted text={text} />{" "}
          <button type="button" className="link" onClick={() => onSearch(query)}>
            Search for <Untrusted text={query} charactersMax={HINT_CHARACTERS_MAX} />
          </button>
        </p>
      ))}
    </output>
  );
}

/** Column of the mistake, from "column 12" in the problem's detail. */
function columnOf(problem: Problem | undefined): number | undefined {
  const found = /\bcolumn (\d{1,5})\b/.exec(problem?.detail ?? "");
  return found ? Number(found[1]) : undefined;
}
