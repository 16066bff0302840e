"use client";

import { useNow } from "#dashboards/client/use-now.ts";
import { Empty } from "#dashboards/panels/message.tsx";
import { useKeys } from "#dashboards/shell/use-keys.ts";

import { Frame, type PageProps } from "../frame.tsx";
import { type Pages, ROWS } from "../live-messages.ts";
import { useLive } from "../use-live.ts";
import { DeployRows } from "./deploy-rows.tsx";
import { Freezes } from "./freezes.tsx";
import { StartForm } from "./start-form.tsx";
import { Tokens } from "./tokens.tsx";
import { Trains } from "./trains.tsx";
import { type DeploysViewState, useDeploysView } from "./use-deploys-view.ts";
import { Workloads } from "./workloads.tsx";

/** Workloads with what serves and what waits, times without deploys, and past deploys. */
export function DeploysPage(props: PageProps) {
  const view = useDeploysView();
  const limit = Math.min(ROWS.max, Math.max(1, view.rows));
  const live = useLive({ page: "deploys", limit, workload: view.workload });
  const now = useNow(live.atMs);
  return (
    <Frame page="deploys" title="Deploys" live={live} {...props}>
      {live.content ? <Found content={live.content} view={view} nowMs={now} /> : null}
    </Frame>
  );
}

type FoundProps = { content: Pages["deploys"]; view: DeploysViewState; nowMs: number | undefined };

function Found({ content, view, nowMs }: FoundProps) {
  const { workloads, freezes, trains } = content;
  const startable = workloads.filter(({ may }) => may.includes("start")).map(({ name }) => name);
  const mayFreeze = workloads.some(({ may }) => may.includes("freeze"));
  const isStarting = view.start !== null && startable.length > 0;
  useKeys({
    add: () => startable.length > 0 && void view.set({ start: "", freeze: null }),
    next: () => moveFocus(1),
    previous: () => moveFocus(-1),
    close: () => void view.set({ start: null, release: null, freeze: null, token: null }),
  });
  return (
    <>
      {isStarting ? (
        <StartForm
          key={`${view.start} ${view.release}`}
          workloads={startable}
          workload={view.start ?? ""}
          release={view.release ?? ""}
          onClose={() => void view.set({ start: null, release: null })}
        />
      ) : null}
      <section aria-label="Workloads">
        <h2>Workloads</h2>
        {workloads.length === 0 ? <NoWorkloads /> : null}
        <Workloads workloads={workloads} view={view} />
      </section>
      <Trains trains={trains} />
      <Freezes
        freezes={freezes}
        workloads={workloads}
        mayFreeze={mayFreeze}
        mayFreezeAll={content.mayFreezeAll}
        view={view}
      />
      {content.mayManageTokens ? (
        <Tokens workloads={workloads.map(({ name }) => name)} view={view} nowMs={nowMs} />
      ) : null}
      <Past content={content} view={view} nowMs={nowMs} mayStart={startable.length > 0} />
    </>
  );
}

type PastProps = FoundProps & { mayStart: boolean };

function Past({ content, view, nowMs, mayStart }: PastProps) {
  const { workloads, deploys, next } = content;
  return (
    <section aria-label="All deploys">
      <div className="deploys-list-head">
        <h2>All deploys</h2>
        <WorkloadFilter names={workloads.map(({ name }) => name)} view={view} />
      </div>
      {deploys.length === 0 ? (
        <p className="quiet">
          Nothing was deployed here yet.{" "}
          {mayStart
            ? "Press Deploy beside a workload, or run quarterdeck deploy SERVICE RELEASE."
            : "Ask an owner for the grant manage workload:* to deploy."}
        </p>
      ) : (
        <DeployRows deploys={deploys} nowMs={nowMs} />
      )}
      {next !== null && view.rows < ROWS.max ? (
        <button
          type="button"
          onClick={() => void view.set({ rows: Math.min(ROWS.max, view.rows + ROWS.step) })}
        >
          Show more
        </button>
      ) : null}
    </section>
  );
}

const NoWorkloads = () => (
  <Empty title="There is no workload">
    <p>
      Describe what you deploy in <code>workloads.yaml</code> in the data folder, and start the role
      deploys again.
    </p>
  </Empty>
);

function WorkloadFilter({ names, view }: { names: readonly string[]; view: DeploysViewState }) {
  return (
    <label>
      Workload{" "}
      <select
        value={view.workload ?? ""}
        onChange={({ target }) => void view.set({ workload: target.value || null, rows: null })}
      >
        <option value="">All</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

/** Focuses the next or the previous deploy of the list; Enter opens it. */
function moveFocus(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-deploy]")];
  const at = links.findIndex((link) => link === document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}
