import { Link } from "#dashboards/client/link.tsx";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Addresses } from "../addresses.tsx";
import type { Pages } from "../live-messages.ts";
import { Stand } from "../stand.tsx";
import { releasesText } from "../words.ts";
import { servedBy, Serves } from "./serves.tsx";
import type { DeploysViewState } from "./use-deploys-view.ts";

type Workload = Pages["deploys"]["workloads"][number];
type RowProps = { workload: Workload; view: DeploysViewState };

/** One row for each workload: what serves, what happens, what waits. */
export function Workloads({
  workloads,
  view,
}: {
  workloads: readonly Workload[];
  view: DeploysViewState;
}) {
  if (workloads.length === 0) return null;
  return (
    <table className="cards">
      <thead>
        <tr>
          <th scope="col">Workload</th>
          <th scope="col">Serves</th>
          <th scope="col">Clients reach it at</th>
          <th scope="col">Healthy tasks</th>
          <th scope="col">Now</th>
          <th scope="col">Queue</th>
          <th scope="col">
            <span className="visually-hidden">Deploy it</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {workloads.map((workload) => (
          <WorkloadRow key={workload.name} workload={workload} view={view} />
        ))}
      </tbody>
    </table>
  );
}

function WorkloadRow({ workload, view }: RowProps) {
  const { name, urls, problems, tasks, may } = workload;
  const served = servedBy(workload);
  return (
    <tr>
      <th scope="row">
        <Untrusted text={name} charactersMax={60} />
      </th>
      <td data-label="Serves">
        <Serves served={served} />
      </td>
      <td data-label="Clients reach it at">
        <Addresses urls={urls} />
        {problems.map((problem) => (
          <p key={problem} className="address-problem error-text">
            <span aria-hidden="true">✕</span> <Untrusted text={problem} charactersMax={600} />
          </p>
        ))}
      </td>
      <td data-label="Healthy tasks">
        {tasks && served.length > 0
          ? served
              .map(({ colour }) => `${tasks[colour].healthy} of ${tasks[colour].desired}`)
              .join(", ")
          : "–"}
      </td>
      <td data-label="Now">
        <Now workload={workload} />
      </td>
      <td data-label="Queue">
        <Queue workload={workload} />
      </td>
      <td className="row-end">
        {may.includes("start") ? (
          <button
            type="button"
            aria-label={`Deploy ${name}`}
            onClick={() => void view.set({ start: name, release: null })}
          >
            Deploy
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function Now({ workload: { active, waitsFor, freeze } }: Pick<RowProps, "workload">) {
  return (
    <>
      {active ? (
        <>
          <Link href={`/deploys/${active.id}`}>
            <Untrusted text={releasesText(active)} charactersMax={80} />
          </Link>{" "}
          <Stand deploy={active} />
          {waitsFor === null ? null : (
            <p className="quiet">
              <Untrusted text={waitsFor} charactersMax={200} />
            </p>
          )}
        </>
      ) : null}
      {freeze === null ? null : (
        <p className="frozen">
          <span aria-hidden="true">❄</span> <Untrusted text={freeze} charactersMax={200} />
        </p>
      )}
      {active === null && freeze === null ? <span className="quiet">no deploy</span> : null}
    </>
  );
}

function Queue({ workload: { queue } }: Pick<RowProps, "workload">) {
  if (queue.length === 0) return <span className="quiet">empty</span>;
  return (
    <ol className="queue">
      {queue.map(({ id, release }) => (
        <li key={id}>
          <Link href={`/deploys/${id}`}>
            <Untrusted text={release} charactersMax={60} />
          </Link>
        </li>
      ))}
    </ol>
  );
}
