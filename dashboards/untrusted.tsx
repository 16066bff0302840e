"use client";

import { useState } from "react";

import { cutText, visibleParts } from "./untrusted-text.ts";

type UntrustedProps = { text: string; charactersMax?: number; expandable?: boolean };

const CHARACTERS_MAX = 400;

/** Untrusted text: escapes are marked, long values are truncated and can be expanded. */
export function Untrusted({
  text,
  charactersMax = CHARACTERS_MAX,
  expandable = false,
}: UntrustedProps) {
  const [whole, setWhole] = useState(false);
  const cut = whole ? { text, hidden: 0 } : cutText(text, charactersMax);
  return (
    <bdi className="untrusted">
      {visibleParts(cut.text).map((part, index) =>
        part.escaped ? (
          // oxlint-disable-next-line react/no-array-index-key -- parts of one text have no other identity
          <span key={index} className="escape">
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
      {cut.hidden > 0 && !expandable ? "…" : null}
      {cut.hidden > 0 && expandable ? (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          … show all ({cut.hidden.toLocaleString("en")} more)
        </button>
      ) : null}
    </bdi>
  );
}
