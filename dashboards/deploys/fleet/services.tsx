import { formatExact } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { ColourName } from "../colour-name.tsx";
import type { FleetAnswer } from "../fleet-messages.ts";
import type { FleetViewState } from "./use-fleet-view.ts";

type Service = FleetAnswer["services"][number];

/** What the fleet calls a rollout, in words with a shape. */
const ROLLOUTS: Record<Service["rollout"], { shape: string; word: string }> = {
  IN_PROGRESS: { shape: "▶", word: "in progress" },
  COMPLETED: { shape: "✓", word: "completed" },
  FAILED: { shape: "✕", word: "failed" },
};

/** The other colour has tasks only while a deploy moves to it or from it. */
const DEPLOYING = "(part of a deploy)";

/** One row for each service. */
export function Services({
  services,
  view,
}: {
  services: readonly Service[];
  view: FleetViewState;
}) {
  return (
    <table className="cards">
      <caption className="visually-hidden">Services</caption>
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">Colour</th>
          <th scope="col">Release</th>
          <th scope="col" className="num">
            Running of desired
          </th>
          <th scope="col" className="num">
            Pending
          </th>
          <th scope="col" className="num">
            Failed
          </th>
          <th scope="col">Rollout</th>
        </tr>
      </thead>
      <tbody>
        {services.map((service) => (
          <ServiceRow key={service.name} service={service} view={view} />
        ))}
      </tbody>
    </table>
  );
}

function ServiceRow({ service, view }: { service: Service; view: FleetViewState }) {
  const { name, colour, isLive, release, desired, running, pending, failedTasks, rollout } =
    service;
  const isOpen = view.service === name;
  const { shape, word } = ROLLOUTS[rollout];
  const isShort = running < desired;
  return (
    <tr aria-current={isOpen || undefined}>
      <th scope="row">
        <button
          type="button"
          className="source-name"
          aria-expanded={isOpen}
          onClick={() =>
            void view.set({ service: isOpen ? null : name, task: null, container: null })
          }
        >
          <Untrusted text={name} charactersMax={100} />
        </button>
      </th>
      <td data-label="Colour">
        <ColourName colour={colour} />{" "}
        {isLive ? "(live)" : <span className="quiet">{desired > 0 ? DEPLOYING : "(idle)"}</span>}
      </td>
      <td data-label="Release">
        <Untrusted text={release ?? "–"} charactersMax={60} />
      </td>
      <td data-label="Running of desired" className="num">
        <span className={isShort ? "error-text" : undefined}>
          {isShort ? "▲ " : ""}
          {formatExact(running)} of {formatExact(desired)}
        </span>
      </td>
      <td data-label="Pending" className="num">
        {formatExact(pending)}
      </td>
      <td data-label="Failed" className="num">
        <span className={failedTasks > 0 ? "error-text" : undefined}>
          {formatExact(failedTasks)}
        </span>
      </td>
      <td data-label="Rollout">
        {shape} {word}
      </td>
    </tr>
  );
}
