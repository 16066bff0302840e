"use client";

import { useState } from "react";
import { z } from "zod";

import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { useChange } from "./use-change.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

const Tokens = z.object({
  tokens: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      datasets: z.array(z.string()),
      eventsPerSecond: z.number().nullable(),
    }),
  ),
});

type TokenProps = { name: string; view: SourcesViewState };

/** What the token of pushed events allows, and its removal. */
export function ManageToken({ name, view }: TokenProps) {
  const { data } = useResource(Tokens, "/api/push-tokens");
  const change = useChange();
  const [isAsking, setAsking] = useState(false);
  const token = data?.tokens.find((it) => it.name === name);
  if (!token) return null;
  const { id, datasets, eventsPerSecond } = token;
  return (
    <section>
      <h3>Token</h3>
      <p>
        It may write{" "}
        <Untrusted text={datasets.includes("*") ? "all datasets" : datasets.join(", ")} />
        {eventsPerSecond === null
          ? ", at any rate."
          : `, at most ${formatExact(eventsPerSecond)} events per second.`}
      </p>
      {isAsking ? (
        <p role="alert">
          Senders that use it are refused at once. Events that were received stay.{" "}
          <button
            type="button"
            className="primary"
            disabled={change.isBusy}
            onClick={() =>
              change.run(
                { method: "DELETE", url: `/api/push-tokens/${id}` },
                () => void view.set({ source: null }),
              )
            }
          >
            Remove the token
          </button>{" "}
          <button type="button" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </p>
      ) : (
        <button type="button" onClick={() => setAsking(true)}>
          Remove the token …
        </button>
      )}
      {change.problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={change.problem.detail ?? change.problem.title} />
        </p>
      ) : null}
    </section>
  );
}
