import { formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { Pages } from "../live-messages.ts";
import { STEP_STATUS, STEP_WORDS } from "../words.ts";
import { shownSteps, type ShownStep } from "./shown-steps.ts";

type StepperProps = { detail: Pages["deploy"]; nowMs: number | undefined };

/** The way of a deploy: what is done, what happens now and why it waits, and what is ahead. */
export function Stepper({ detail, nowMs }: StepperProps) {
  return (
    <section aria-label="Steps">
      <ol className="stepper">
        {shownSteps(detail, nowMs).map((step) => (
          <StepItem key={step.key} step={step} />
        ))}
      </ol>
    </section>
  );
}

function StepItem({ step }: { step: ShownStep }) {
  const { status, isWayBack, name, label, tookMs, why } = step;
  const { shape, word } = STEP_STATUS[status];
  return (
    <li
      data-status={status}
      data-way-back={isWayBack || undefined}
      aria-current={status === "current" ? "step" : undefined}
    >
      <span className="step-shape" aria-hidden="true">
        {isWayBack ? "↩" : shape}
      </span>
      <div>
        <b>{name === undefined ? label : STEP_WORDS[name]}</b>{" "}
        <span className="quiet step-status">
          {word}
          {tookMs === undefined ? "" : ` · ${formatQuantity(tookMs, "ms")}`}
        </span>
        {why === undefined ? null : (
          <p>
            <Untrusted text={why} charactersMax={300} />
          </p>
        )}
      </div>
    </li>
  );
}
