"use client";

// A <select> or <datalist> cannot complete a part of a text.
/* oxlint-disable jsx-a11y/prefer-tag-over-role */

import type { SearchSuggestions } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";

type SuggestionListProps = {
  id: string;
  options: SearchSuggestions["options"];
  chosen: number;
  onAccept: (index: number) => void;
};

/** The list of a combobox, which keeps the focus. */
export function SuggestionList({ id, options, chosen, onAccept }: SuggestionListProps) {
  return (
    <div id={id} role="listbox" aria-label="Suggestions" hidden={options.length === 0}>
      {options.map(({ text, detail }, index) => (
        <div
          key={text}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onPointerDown={(event) => {
            event.preventDefault();
            onAccept(index);
          }}
        >
          <Untrusted text={text} charactersMax={80} />
          <span className="quiet">
            <Untrusted text={detail} charactersMax={40} />
          </span>
        </div>
      ))}
    </div>
  );
}
