"use client";

import { type FormEvent, type RefObject, useState } from "react";

import type { Problem } from "../api.ts";
import { queryOf } from "../search-terms.ts";
import { visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import { SearchInput } from "./search-input.tsx";
import { usePastedAddress } from "./use-pasted-address.ts";

type SearchBoxProps = {
  query: string;
  onSearch: (query: string) => void;
  problem: Problem | undefined;
  field: RefObject<HTMLInputElement | null>;
  label: string;
  placeholder: string;
  /** The button's text. */
  action: string;
};

/** The query as text, with its error below at the column of the mistake. */
export function SearchBox(props: SearchBoxProps) {
  const { query, onSearch, problem, field, label, placeholder, action } = props;
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
      ) : null}
    </search>
  );
}

/** Column of the mistake, from "column 12" in the problem's detail. */
function columnOf(problem: Problem | undefined): number | undefined {
  const found = /\bcolumn (\d{1,5})\b/.exec(problem?.detail ?? "");
  return found ? Number(found[1]) : undefined;
}
