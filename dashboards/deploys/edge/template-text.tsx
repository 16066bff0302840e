"use client";

import { type Ref, type RefObject, useId, useImperativeHandle, useRef } from "react";

import { Untrusted } from "#dashboards/untrusted.tsx";

import type { TemplateMistakes } from "../edge-messages.ts";

export type Mistakes = TemplateMistakes["mistakes"];
export type TextHandle = { showLine(line: number): void };

type TextProps = {
  text: string;
  mistakes: Mistakes;
  handle: RefObject<TextHandle | null>;
  onText: (text: string) => void;
};

/** A text with the numbers of its lines; those with a mistake are marked. */
export function TemplateText({ text, mistakes, handle, onText }: TextProps) {
  const id = useId();
  const gutter = useRef<HTMLPreElement>(null);
  const area = useTextArea(handle);
  const wrong = new Set(mistakes.map(({ line }) => line));
  const numbers = Array.from({ length: text.split("\n").length }, (_, at) => at + 1);
  return (
    <div className="template">
      <label htmlFor={id}>Template</label>
      <div className="template-text">
        <pre ref={gutter} aria-hidden="true">
          {numbers.map((line) => (
            <span key={line} data-wrong={wrong.has(line) || undefined}>
              {wrong.has(line) ? "✕" : ""}
              {line}
              {"\n"}
            </span>
          ))}
        </pre>
        <textarea
          ref={area}
          id={id}
          value={text}
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          aria-invalid={mistakes.length > 0}
          aria-describedby={`${id}-mistakes`}
          onChange={({ target }) => onText(target.value)}
          onScroll={({ currentTarget }) => {
            if (gutter.current) gutter.current.scrollTop = currentTarget.scrollTop;
          }}
        />
      </div>
      <ul id={`${id}-mistakes`} className="template-mistakes">
        {mistakes.map((it) => (
          <li key={it.message}>
            <MistakeText mistake={it} onLine={(line) => handle.current?.showLine(line)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

type MistakeProps = { mistake: Mistakes[number]; onLine: (line: number) => void };

function MistakeText({ mistake: { line, message }, onLine }: MistakeProps) {
  const [what = "", ...quoted] = message.split("\n");
  const text = (
    <>
      <Untrusted text={what} charactersMax={600} />
      {quoted.map((it) => (
        <code key={it}>
          <Untrusted text={it.trim()} charactersMax={200} />
        </code>
      ))}
    </>
  );
  if (line === null) return <p className="error-text">✕ {text}</p>;
  return (
    <button type="button" onClick={() => onLine(line)}>
      ✕ {text}
    </button>
  );
}

/** Lets others move the cursor to a line. */
function useTextArea(handle: Ref<TextHandle>): RefObject<HTMLTextAreaElement | null> {
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(handle, () => ({
    showLine(line) {
      const { current } = area;
      if (current === null) return;
      const before = current.value.split("\n").slice(0, line - 1);
      const start = before.join("\n").length + (line > 1 ? 1 : 0);
      const end = current.value.indexOf("\n", start);
      current.focus();
      current.setSelectionRange(start, end === -1 ? current.value.length : end);
      const height = current.scrollHeight / current.value.split("\n").length;
      current.scrollTop = Math.max(0, (line - 4) * height);
    },
  }));
  return area;
}
