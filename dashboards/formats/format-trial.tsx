"use client";

import { Untrusted } from "../untrusted.tsx";
import type { TriedLine } from "./messages.ts";
import type { Trial } from "./use-trial.ts";

type FormatTrialProps = {
  lines: string;
  onLines: (lines: string) => void;
  trial: Trial;
};

/** Lines to paste, and their fields. */
export function FormatTrial({ lines, onLines, trial: { answer, problem } }: FormatTrialProps) {
  const matching = answer?.lines.filter(({ reason }) => reason === null).length ?? 0;
  return (
    <section className="formats-trial" aria-label="Lines">
      <div className="formats-field">
        <label htmlFor="format-lines">Lines to try it on</label>
        <textarea
          id="format-lines"
          rows={6}
          value={lines}
          spellCheck={false}
          placeholder="Paste lines of the log"
          onChange={({ target }) => onLines(target.value)}
        />
      </div>
      <div aria-live="polite">
        {problem ? (
          <p className="form-error">
            <Untrusted text={problem.detail ?? problem.title} />
          </p>
        ) : null}
        {answer && answer.mistake !== null ? (
          <p className="form-error">
            <Untrusted text={answer.mistake} charactersMax={2_000} />
          </p>
        ) : null}
        {answer && answer.mistake === null ? (
          <p>
            {matching} of {answer.lines.length} lines match
            {answer.left > 0 ? `; ${answer.left} more were not tried` : ""}
          </p>
        ) : null}
      </div>
      <ol className="formats-tried">
        {answer?.lines.map((tried, at) => (
          // The same line may be pasted twice.
          // oxlint-disable-next-line react/no-array-index-key
          <Tried key={at} tried={tried} />
        ))}
      </ol>
    </section>
  );
}

function Tried({ tried: { line, reason, fields } }: { tried: TriedLine }) {
  return (
    <li data-matches={reason === null}>
      <code className="formats-line">
        <Untrusted text={line} charactersMax={1_000} />
      </code>
      {reason === null ? (
        <dl>
          {fields.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Untrusted text={value} charactersMax={1_000} />
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="error-text">
          <Untrusted text={reason} />
        </p>
      )}
    </li>
  );
}
