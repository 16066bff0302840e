"use client";

import { useEffect, useRef } from "react";

import { useCopy } from "#dashboards/client/use-copy.ts";
import { Snippet } from "#dashboards/sources/snippet.tsx";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { NewDeployToken } from "../token-messages.ts";
import { gitlabJob } from "./gitlab-job.ts";

type MadeProps = { made: NewDeployToken; workloads: readonly string[]; onClose: () => void };

/** A token that was just made, with its secret, which nobody can read again, and a job that uses it. */
export function MadeToken({ made: { token, secret }, workloads, onClose }: MadeProps) {
  const { copy, outcome } = useCopy();
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.focus(), []);
  const [first = ""] = token.workloads;
  const workload = first === "*" ? (workloads[0] ?? "") : first;
  return (
    <section
      ref={section}
      className="deploy-form"
      aria-label={`The token ${token.name}`}
      tabIndex={-1}
    >
      <header>
        <h2>
          The token <Untrusted text={token.name} charactersMax={80} />
        </h2>
        <button type="button" className="icon" aria-label="Close the token" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      <p>It is shown only now: Quarterdeck keeps a hash of it.</p>
      <p className="address">
        <code>{secret}</code>{" "}
        <button type="button" onClick={() => copy(secret)}>
          Copy the token
        </button>{" "}
        <output className="quiet">{outcome}</output>
      </p>
      <p>
        In GitLab, add it to Settings → CI/CD → Variables as <code>QUARTERDECK_TOKEN</code>, masked
        and protected.
      </p>
      <Snippet
        where=".gitlab-ci.yml"
        text={gitlabJob({ workload, url: globalThis.location.origin })}
      />
    </section>
  );
}
