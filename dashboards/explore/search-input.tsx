"use client";

import { type KeyboardEvent, type RefObject, useId, useState } from "react";

import { SuggestionList } from "./suggestion-list.tsx";
import { useSuggestions } from "./use-suggestions.ts";

type SearchInputProps = {
  text: string;
  onText: (text: string) => void;
  field: RefObject<HTMLInputElement | null>;
  label: string;
  placeholder: string;
  isInvalid: boolean;
};

/**
 * The search field as a combobox: names of fields and their values are suggested before the caret. Down and Up choose,
 * Enter or Tab accepts the chosen one, Escape closes the list; without a chosen one, Enter searches.
 */
export function SearchInput(props: SearchInputProps) {
  const { text, onText, field, label, placeholder, isInvalid } = props;
  const list = useId();
  const { isOpen, options, chosen, accept, close, show, onKeyDown } = useCompletion(props);
  return (
    <div className="search-field">
      <input
        ref={field}
        type="search"
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && chosen >= 0 ? `${list}-${chosen}` : undefined}
        placeholder={placeholder}
        value={text}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={isInvalid}
        aria-describedby={isInvalid ? "search-problem" : undefined}
        onChange={({ target }) => {
          onText(target.value);
          show(target.value.slice(0, target.selectionStart ?? target.value.length));
        }}
        onKeyDown={onKeyDown}
        onBlur={close}
      />
      <SuggestionList id={list} options={isOpen ? options : []} chosen={chosen} onAccept={accept} />
    </div>
  );
}

type CompletionInput = Pick<SearchInputProps, "text" | "onText" | "field">;

/** Which suggestions are shown, which one is chosen, and what keys do. */
function useCompletion({ text, onText, field }: CompletionInput) {
  const [before, setBefore] = useState<string>();
  const [chosen, setChosen] = useState(-1);
  const { from, options } = useSuggestions(before);
  const isOpen = before !== undefined && options.length > 0;
  const close = (): void => {
    setBefore(undefined);
    setChosen(-1);
  };
  const accept = (index: number): void => {
    const option = options[index];
    if (!option || before === undefined) return;
    const start = text.slice(0, from) + option.text;
    const end = option.text.endsWith(":") ? "" : " ";
    onText(start + end + text.slice(before.length).trimStart());
    setChosen(-1);
    setBefore(option.text.endsWith(":") ? start : undefined);
    field.current?.focus();
  };
  const show = (written: string): void => {
    setChosen(-1);
    setBefore(written);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) setChosen(wrapped(chosen + move, options.length));
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) accept(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { isOpen, options, chosen, accept, close, show, onKeyDown };
}

/** -1 is no option: the list begins again after its end. */
const wrapped = (index: number, count: number): number =>
  index < -1 ? count - 1 : index >= count ? -1 : index;
