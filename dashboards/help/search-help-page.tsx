"use client";

// The text is loaded once, so its parts keep their places.
/* oxlint-disable react/no-array-index-key */

import Link from "next/link";
import { useRouter } from "next/navigation";
import { Fragment } from "react";

import { SearchHelp } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { Failed } from "../panels/message.tsx";
import { PageBar } from "../shell/page-bar.tsx";
import type { Theme } from "../shell/theme.ts";
import { useKeys } from "../shell/use-keys.ts";
import { type Block, parseMarkdown, type Span } from "./markdown.ts";

/** The description of the query language, whose only source is docs/search.md. */
export function SearchHelpPage({ theme }: { theme: Theme }) {
  const { data, problem, reload } = useResource(SearchHelp, "/api/help/search");
  const router = useRouter();
  useKeys({ board: () => router.push("/"), explore: () => router.push("/explore") });
  return (
    <>
      <PageBar theme={theme} />
      <main id="main" className="help" tabIndex={-1}>
        {problem ? <Failed problem={problem} retry={reload} /> : null}
        {data ? parseMarkdown(data.markdown).map(blockElement) : null}
      </main>
    </>
  );
}

function blockElement(block: Block, index: number) {
  if (block.kind === "table") return <HelpTable key={index} block={block} />;
  if (block.kind === "paragraph") {
    return (
      <p key={index}>
        <Spans spans={block.spans} />
      </p>
    );
  }
  return block.level === 1 ? (
    <h1 key={index}>
      <Spans spans={block.spans} />
    </h1>
  ) : (
    <h2 key={index}>
      <Spans spans={block.spans} />
    </h2>
  );
}

/** The queries of the first column are links that search for them. */
function HelpTable({ block: { head, rows } }: { block: Extract<Block, { kind: "table" }> }) {
  return (
    <div className="help-table">
      <table>
        <thead>
          <tr>
            {head.map((cell, at) => (
              <th key={at} scope="col">
                <Spans spans={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([query = [], ...cells], row) => (
            <tr key={row}>
              <th scope="row">
                {query.map(({ text }) => (
                  <Link
                    key={text}
                    href={`/explore?q=${encodeURIComponent(text)}`}
                    prefetch={false}
                    title="Search for this"
                  >
                    <code>{text}</code>
                  </Link>
                ))}
              </th>
              {cells.map((cell, at) => (
                <td key={at}>
                  <Spans spans={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Spans({ spans }: { spans: readonly Span[] }) {
  return spans.map(({ kind, text }, at) =>
    kind === "code" ? <code key={at}>{text}</code> : <Fragment key={at}>{text}</Fragment>,
  );
}
