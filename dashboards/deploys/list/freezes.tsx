"use client";

import { useState } from "react";

import { Untrusted } from "#dashboards/untrusted.tsx";

import { At } from "../ago.tsx";
import type { Pages } from "../live-messages.ts";
import { FreezeForm } from "./freeze-form.tsx";
import { ThawForm } from "./thaw-form.tsx";
import type { DeploysViewState } from "./use-deploys-view.ts";

type Freeze = Pages["deploys"]["freezes"][number];

type FreezesProps = {
  freezes: readonly Freeze[];
  workloads: Pages["deploys"]["workloads"];
  mayFreeze: boolean;
  mayFreezeAll: boolean;
  view: DeploysViewState;
};

/** Times in which no deploy starts. */
export function Freezes({ freezes, workloads, mayFreeze, mayFreezeAll, view }: FreezesProps) {
  const isOpen = view.freeze !== null && mayFreeze;
  const close = (): void => void view.set({ freeze: null });
  return (
    <section aria-label="Freezes">
      <div className="deploys-list-head">
        <h2>Freezes</h2>
        {mayFreeze ? (
          <button type="button" onClick={() => void view.set({ freeze: "new", start: null })}>
            Add a freeze
          </button>
        ) : null}
      </div>
      {isOpen ? (
        <FreezeForm
          workloads={workloads.filter(({ may }) => may.includes("freeze")).map(({ name }) => name)}
          mayFreezeAll={mayFreezeAll}
          onClose={close}
        />
      ) : null}
      {freezes.length === 0 ? (
        <p className="quiet">No freeze: a deploy starts as soon as it is its turn.</p>
      ) : null}
      <ul className="freezes">
        {freezes.map((freeze) => (
          <FreezeItem key={freeze.id} freeze={freeze} />
        ))}
      </ul>
    </section>
  );
}

function FreezeItem({ freeze }: { freeze: Freeze }) {
  const [isRemoving, setRemoving] = useState(false);
  const { name, workloads, frozenUntilMs, mayRemove } = freeze;
  return (
    <li>
      <div>
        <b>
          <Untrusted text={name} charactersMax={200} />
        </b>{" "}
        <span className="quiet">
          {workloads.length === 0 ? "all workloads" : workloads.join(", ")}
        </span>{" "}
        {frozenUntilMs === null ? (
          <span className="quiet">○ not now</span>
        ) : (
          <span className="frozen">
            <span aria-hidden="true">❄</span> frozen until <At atMs={frozenUntilMs} />
          </span>
        )}
      </div>
      <p className="quiet">
        <Period period={freeze.period} />
      </p>
      {mayRemove && !isRemoving ? (
        <button type="button" onClick={() => setRemoving(true)}>
          Remove …
        </button>
      ) : null}
      {isRemoving ? <ThawForm freeze={freeze} onClose={() => setRemoving(false)} /> : null}
    </li>
  );
}

function Period({ period }: Pick<Freeze, "period">) {
  if (period.kind === "once") {
    return (
      <>
        from <At atMs={period.fromMs} /> until <At atMs={period.untilMs} />
      </>
    );
  }
  const { start, end, timezone } = period;
  return (
    <>
      from <code>{start}</code> until <code>{end}</code> in{" "}
      <Untrusted text={timezone} charactersMax={60} />
    </>
  );
}
