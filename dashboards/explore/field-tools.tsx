"use client";

import type { ReactNode } from "react";

import { useCopy } from "../client/use-copy.ts";

export function Copy({ label, text }: { label: string; text: string }) {
  const { copy, outcome } = useCopy();
  return (
    <>
      <Tool label={label} glyph={<CopyGlyph />} onPress={() => copy(text)} />
      {outcome ? <span className="quiet"> {outcome}</span> : null}
    </>
  );
}

function CopyGlyph() {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" fill="none" stroke="currentColor">
      <rect x="3.5" y="3.5" width="8" height="8" rx="1.5" />
      <path d="M8.5 1.5v-1h-7a1 1 0 0 0-1 1v7h1" />
    </svg>
  );
}

type ToolProps = { label: string; glyph: ReactNode; onPress: () => void };

export function Tool({ label, glyph, onPress }: ToolProps) {
  return (
    <button type="button" className="icon" aria-label={label} title={label} onClick={onPress}>
      <span aria-hidden="true">{glyph}</span>
    </button>
  );
}
