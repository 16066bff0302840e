"use client";

import type { ProblemsMessage, ShownProblem } from "../api.ts";
import { useIsHydrated } from "../client/use-is-hydrated.ts";
import { Untrusted } from "../untrusted.tsx";
import { formatDateTime, type Zone, zoneName } from "../zone.ts";
import { useProblems } from "./use-problems.ts";

const CHARACTERS_MAX = 600;
/** So many are shown without opening the list. */
const OPEN_MAX = 2;
const WORDS = { error: "Error", warning: "Warning" } as const;
/** Levels differ by shape and word, not only by colour. */
const SHAPES = { error: "✕", warning: "▲" } as const;

type ProblemsProps = {
  initial: ProblemsMessage;
  zone: Zone;
  onDemo: (demo: boolean) => void;
  onRefused: () => void;
};

/** What is wrong in Quarterdeck, and what to do; on every page. */
export function Problems({ initial, zone, onDemo, onRefused }: ProblemsProps) {
  const problems = useProblems(initial, { onDemo, onRefused });
  const errors = problems.filter(({ level }) => level === "error");
  const count = countText(errors.length, problems.length - errors.length);
  return (
    <section
      className="problems"
      aria-label="Problems"
      data-level={errors.length > 0 ? "error" : "warning"}
    >
      {/* Always there, so that screen readers announce changes. */}
      <output className="visually-hidden">{count}</output>
      {problems.length > 0 ? (
        <details open={errors.length > 0 && problems.length <= OPEN_MAX}>
          <summary>
            <Badge level={errors.length > 0 ? "error" : "warning"} /> {count}
            <span className="problems-first">
              <Untrusted text={problems[0]?.message ?? ""} charactersMax={CHARACTERS_MAX} />
            </span>
          </summary>
          <ul>
            {problems.map((problem) => (
              <ProblemItem key={problem.id} problem={problem} zone={zone} />
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}

function ProblemItem({ problem, zone }: { problem: ShownProblem; zone: Zone }) {
  const { level, message, action, sinceMs } = problem;
  return (
    <li data-level={level}>
      <Badge level={level} />
      <div>
        <p>
          <b>{WORDS[level]}:</b> <Untrusted text={message} charactersMax={CHARACTERS_MAX} />
        </p>
        {action === null ? null : (
          <p>
            <b>What to do:</b> <Untrusted text={action} charactersMax={CHARACTERS_MAX} />
          </p>
        )}
        <Since atMs={sinceMs} zone={zone} />
      </div>
    </li>
  );
}

/** The server does not know the viewer's zone, so the HTML has the time in UTC. */
function Since({ atMs, zone }: { atMs: number; zone: Zone }) {
  const shown = useIsHydrated() ? zone : "utc";
  return (
    <p className="quiet">
      since{" "}
      <time dateTime={new Date(atMs).toISOString()}>
        {formatDateTime(atMs, shown)} {shown === "utc" ? zoneName(shown, atMs) : ""}
      </time>
    </p>
  );
}

const Badge = ({ level }: { level: ShownProblem["level"] }) => (
  <span className="problem-badge" data-level={level} aria-hidden="true">
    {SHAPES[level]}
  </span>
);

function countText(errors: number, warnings: number): string {
  const counts = [
    errors > 0 ? counted(errors, "error") : "",
    warnings > 0 ? counted(warnings, "warning") : "",
  ];
  return counts.filter((text) => text !== "").join(", ");
}

const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
