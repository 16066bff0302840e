import { type DiffLine, lineDiff } from "./line-diff.ts";

const SIGNS = { same: " ", added: "+", removed: "−" } as const;
const WORDS = { same: "", added: "added: ", removed: "removed: " } as const;

/** What a template changes, with signs and words for lines that were added and removed. */
export function DiffView({
  before,
  after,
  title,
}: {
  before: string;
  after: string;
  title: string;
}) {
  const lines = lineDiff(before, after);
  if (lines.length === 0) return <p>It is the same as {title}.</p>;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keys
    <section className="template-diff" aria-label={`Difference from ${title}`} tabIndex={0}>
      <ol>
        {lines.map((line, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- lines have no other identity
          <DiffItem key={at} line={line} />
        ))}
      </ol>
    </section>
  );
}

function DiffItem({ line }: { line: DiffLine }) {
  if (line.kind === "gap") return <li data-kind="gap">{line.lines} lines are the same</li>;
  const { kind, before, after, text } = line;
  return (
    <li data-kind={kind}>
      <span className="template-number">{after ?? before}</span>
      <span aria-hidden="true">{SIGNS[kind]}</span>
      <span className="visually-hidden">{WORDS[kind]}</span>
      <code>{text}</code>
    </li>
  );
}
