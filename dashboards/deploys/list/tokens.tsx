"use client";

import { useState } from "react";

import { useResource } from "#dashboards/client/use-resource.ts";
import { ConfirmedChange } from "#dashboards/sources/confirmed-change.tsx";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago, At } from "../ago.tsx";
import { DeployTokenList, type DeployTokenView, type NewDeployToken } from "../token-messages.ts";
import { MadeToken } from "./made-token.tsx";
import { TokenForm } from "./token-form.tsx";
import type { DeploysViewState } from "./use-deploys-view.ts";

type TokensProps = {
  workloads: readonly string[];
  view: DeploysViewState;
  nowMs: number | undefined;
};

/** The tokens with which pipelines deploy: each is made, shown once, and revoked here. */
export function Tokens({ workloads, view, nowMs }: TokensProps) {
  const { data, problem, reload } = useResource(DeployTokenList, "/api/deploy-tokens");
  const [made, setMade] = useState<NewDeployToken>();
  const close = (): void => void view.set({ token: null });
  return (
    <section aria-label="Tokens for pipelines">
      <div className="deploys-list-head">
        <h2>Tokens for pipelines</h2>
        <button type="button" onClick={() => void view.set({ token: "new", start: null })}>
          Make a token
        </button>
      </div>
      {view.token !== null && data ? (
        <TokenForm
          workloads={workloads}
          usualActs={data.usualActs}
          onClose={close}
          onMade={(token) => {
            setMade(token);
            close();
            reload();
          }}
        />
      ) : null}
      {made ? (
        <MadeToken made={made} workloads={workloads} onClose={() => setMade(undefined)} />
      ) : null}
      {problem && !data ? (
        <p className="form-error" role="alert">
          <Untrusted text={problem.detail ?? problem.title} />
        </p>
      ) : null}
      {data?.tokens.length === 0 ? (
        <p className="quiet">No token: pipelines cannot deploy over HTTP.</p>
      ) : null}
      <ul className="freezes">
        {data?.tokens.map((token) => (
          <TokenItem
            key={token.id}
            token={token}
            usesSinceMs={data.usesSinceMs}
            nowMs={nowMs}
            onRevoked={() => {
              if (made?.token.id === token.id) setMade(undefined);
              reload();
            }}
          />
        ))}
      </ul>
    </section>
  );
}

type ItemProps = {
  token: DeployTokenView;
  usesSinceMs: number;
  nowMs: number | undefined;
  onRevoked: () => void;
};

function TokenItem({ token, usesSinceMs, nowMs, onRevoked }: ItemProps) {
  const { id, name, workloads, acts, createdAtMs, createdBy, lastUsedAtMs } = token;
  return (
    <li>
      <div>
        <b>
          <Untrusted text={name} charactersMax={80} />
        </b>{" "}
        <span className="quiet">
          {workloads.includes("*") ? "all workloads" : workloads.join(", ")}
        </span>
        <p>It may {acts.join(", ")}.</p>
        <p className="quiet">
          Made <Ago atMs={createdAtMs} nowMs={nowMs} />
          {createdBy === null ? null : (
            <>
              {" "}
              by <Untrusted text={createdBy} charactersMax={100} />
            </>
          )}
          ,{" "}
          {lastUsedAtMs === null ? (
            <>
              not used since <At atMs={usesSinceMs} />, when Quarterdeck started
            </>
          ) : (
            <>
              last used <Ago atMs={lastUsedAtMs} nowMs={nowMs} />
            </>
          )}
          .
        </p>
      </div>
      <div>
        <ConfirmedChange
          label={`Revoke ${name}`}
          consequence="Pipelines that use it are refused at once. Deploys that they have started go on."
          request={{ method: "DELETE", url: `/api/deploy-tokens/${id}` }}
          onDone={onRevoked}
        />
      </div>
    </li>
  );
}
