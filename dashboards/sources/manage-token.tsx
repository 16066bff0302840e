"use client";

import { z } from "zod";

import { useResource } from "../client/use-resource.ts";
import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { ConfirmedChange } from "./confirmed-change.tsx";
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
      <ConfirmedChange
        label="Remove the token"
        consequence="Senders that use it are refused at once. Events that were received stay."
        request={{ method: "DELETE", url: `/api/push-tokens/${id}` }}
        onDone={() => void view.set({ source: null })}
      />
    </section>
  );
}
