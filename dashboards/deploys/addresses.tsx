"use client";

import { useCopy } from "../client/use-copy.ts";
import { Untrusted } from "../untrusted.tsx";

/** Where clients reach a workload: each address with a button that copies it. */
export function Addresses({ urls }: { urls: readonly string[] }) {
  return (
    <ul className="addresses">
      {urls.map((url) => (
        <li key={url}>
          <Address url={url} />
        </li>
      ))}
    </ul>
  );
}

/** One of them. */
export function Address({ url }: { url: string }) {
  const { copy, outcome } = useCopy();
  return (
    <span className="address">
      <code>
        <Untrusted text={url} charactersMax={300} />
      </code>{" "}
      <button type="button" aria-label={`Copy ${url}`} onClick={() => copy(url)}>
        Copy
      </button>{" "}
      <output className="quiet">{outcome}</output>
    </span>
  );
}
