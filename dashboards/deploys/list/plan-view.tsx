import { Untrusted } from "#dashboards/untrusted.tsx";

import type { PlanAnswer } from "../messages.ts";

/** What a deploy would do, before it is started. */
export function PlanView({ answer: { sentences, waits, hash, programs } }: { answer: PlanAnswer }) {
  return (
    <section className="plan" aria-label="Plan">
      <h3>Plan</h3>
      <ol>
        {sentences.map((sentence) => (
          <li key={sentence}>
            <Untrusted text={sentence} charactersMax={400} />
          </li>
        ))}
      </ol>
      {waits.length > 0 ? (
        <p role="alert">
          <b>It would wait now:</b> <Untrusted text={waits.join(" ")} charactersMax={600} />
        </p>
      ) : null}
      <p className="quiet">
        Programs: <Untrusted text={programs} charactersMax={200} />. Hash:{" "}
        <code>
          <Untrusted text={hash} charactersMax={100} />
        </code>
        . Nothing starts if the plan is another one by then.
      </p>
    </section>
  );
}
