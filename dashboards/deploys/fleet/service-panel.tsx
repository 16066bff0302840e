import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import type { FleetAnswer, FleetTask } from "../fleet-messages.ts";
import type { FleetViewState } from "./use-fleet-view.ts";

type Service = FleetAnswer["services"][number];
type PanelProps = { service: Service; view: FleetViewState; nowMs: number | undefined };

/** The tasks and events of a service. */
export function ServicePanel({ service, view, nowMs }: PanelProps) {
  const { name, rolloutReason, tasks, events } = service;
  return (
    <section className="deploy-form" aria-label={`Service ${name}`}>
      <header>
        <h2>
          <Untrusted text={name} charactersMax={100} />
        </h2>
        <button
          type="button"
          className="icon"
          aria-label="Close the service"
          onClick={() => void view.set({ service: null, task: null, container: null })}
        >
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {rolloutReason === "" ? null : (
        <p>
          <Untrusted text={rolloutReason} charactersMax={300} />
        </p>
      )}
      <h3>Tasks</h3>
      {tasks.length === 0 ? (
        <p className="quiet">None runs, and none ended in the last hour.</p>
      ) : null}
      <ul className="tasks">
        {tasks.map((task) => (
          <TaskItem key={task.id} task={task} view={view} nowMs={nowMs} />
        ))}
      </ul>
      <h3>Events</h3>
      {events.length === 0 ? <p className="quiet">None yet.</p> : null}
      <ol className="history" aria-label="Events, newest first">
        {events.map(({ id, atMs, message }) => (
          <li key={id}>
            <Ago atMs={atMs} nowMs={nowMs} />
            <p>
              <Untrusted text={message} charactersMax={400} expandable />
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

const HEALTH: Record<FleetTask["health"], string> = {
  HEALTHY: "✓ healthy",
  UNHEALTHY: "✕ unhealthy",
  UNKNOWN: "○ health unknown",
};

function TaskItem({ task, view, nowMs }: { task: FleetTask } & Omit<PanelProps, "service">) {
  const { id, release, status, health, address, createdAtMs, stoppedAtMs, stoppedReason } = task;
  const isOpen = view.task === id;
  return (
    <li>
      <div>
        <code>{id.slice(0, 12)}</code> <Untrusted text={release ?? "–"} charactersMax={60} />{" "}
        <b>{status}</b> {stoppedAtMs === null ? HEALTH[health] : null}{" "}
        {address === null ? null : (
          <code>
            <Untrusted text={address} charactersMax={60} />
          </code>
        )}{" "}
        <span className="quiet">
          {stoppedAtMs === null ? (
            <>
              created <Ago atMs={createdAtMs} nowMs={nowMs} />
            </>
          ) : (
            <>
              stopped <Ago atMs={stoppedAtMs} nowMs={nowMs} />
            </>
          )}
        </span>
        {stoppedReason === null ? null : (
          <p>
            <Untrusted text={stoppedReason} charactersMax={300} />
          </p>
        )}
        <Containers task={task} />
      </div>
      <button
        type="button"
        aria-expanded={isOpen}
        aria-label={`Log of task ${id.slice(0, 12)}`}
        onClick={() => void view.set({ task: isOpen ? null : id, container: null })}
      >
        Log
      </button>
    </li>
  );
}

/** Containers that ended: which, with which status, and why. */
function Containers({ task: { containers } }: { task: FleetTask }) {
  const ended = containers.filter(({ exitCode, reason }) => exitCode !== null || reason !== null);
  return ended.map(({ name, exitCode, reason }) => (
    <p key={name} className="quiet">
      <Untrusted text={name} charactersMax={60} />: exit status {exitCode ?? "unknown"}
      {reason === null ? null : (
        <>
          , <Untrusted text={reason} charactersMax={200} />
        </>
      )}
    </p>
  ));
}
