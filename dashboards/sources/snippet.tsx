"use client";

import { useCopy } from "../client/use-copy.ts";

/** Text to be copied somewhere else. */
export function Snippet({ where, text }: { where: string; text: string }) {
  const { outcome, copy } = useCopy();
  return (
    <figure>
      <figcaption>For {where}</figcaption>
      <pre className="source-raw">{text}</pre>
      <button type="button" onClick={() => copy(text)}>
        Copy
      </button>{" "}
      <output>{outcome}</output>
    </figure>
  );
}
