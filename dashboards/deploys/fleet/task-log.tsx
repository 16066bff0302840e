"use client";

import { useEffect, useRef } from "react";

import { Untrusted } from "#dashboards/untrusted.tsx";

import type { TaskLog } from "../fleet-messages.ts";
import type { Pages } from "../live-messages.ts";
import type { FleetViewState } from "./use-fleet-view.ts";

const CHARACTERS_MAX = 100_000;
/** So near to its end, the log follows new lines. */
const FOLLOW_PX = 40;

type PanelProps = {
  content: Pick<Pages["fleet"], "services" | "log" | "logProblem">;
  view: Pick<FleetViewState, "task" | "container" | "set">;
};

/** The end of the output of a task's container, which follows new lines while its end is in view. */
export function TaskLogPanel({ content, view }: PanelProps) {
  const { services, log, logProblem } = content;
  const task = services.flatMap(({ tasks }) => tasks).find(({ id }) => id === view.task);
  const shown = log && isOfView(log, view) ? log : null;
  const names = task?.containers.map(({ name }) => name) ?? [];
  return (
    <section className="deploy-form" aria-label="Log of a task">
      <header>
        <h2>
          Log of <code>{view.task?.slice(0, 12)}</code>
        </h2>
        <label>
          Container{" "}
          <select
            value={view.container ?? shown?.container ?? ""}
            onChange={({ target }) => void view.set({ container: target.value })}
          >
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="icon"
          aria-label="Close the log"
          onClick={() => void view.set({ task: null, container: null })}
        >
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {logProblem === null ? null : (
        <p className="form-error" role="alert">
          <Untrusted text={logProblem} charactersMax={300} />
        </p>
      )}
      {shown ? <LogText log={shown} /> : <Loading isShown={logProblem === null} />}
    </section>
  );
}

/** Whether the output is of the task and container that are chosen; without a choice it is of the first one. */
const isOfView = (log: TaskLog, { task, container }: PanelProps["view"]): boolean =>
  log.task === task && (container ?? log.container) === log.container;

const Loading = ({ isShown }: { isShown: boolean }) =>
  isShown ? <p aria-busy="true">Loading the log</p> : null;

function LogText({ log: { text, isCut, keptIn } }: { log: NonNullable<Pages["fleet"]["log"]> }) {
  const box = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const { current } = box;
    if (current && isFollowing.current) current.scrollTop = current.scrollHeight;
  });
  if (keptIn !== null) {
    return (
      <p>
        The output of this container is in <Untrusted text={keptIn} charactersMax={800} />.
      </p>
    );
  }
  if (text === "") return <p className="quiet">It has written nothing yet.</p>;
  return (
    <>
      {isCut ? <p className="quiet">Only the end is shown: the last 64 kB.</p> : null}
      <div
        ref={box}
        className="task-log"
        role="log"
        aria-label="Output"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolled by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          isFollowing.current = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
        }}
      >
        {numbered(text).map(({ line, at }) => (
          <div key={at}>
            <Untrusted text={line} charactersMax={2_000} />
          </div>
        ))}
      </div>
    </>
  );
}

/** Lines with their places. */
function numbered(text: string): { line: string; at: number }[] {
  const lines = text.slice(-CHARACTERS_MAX).replace(/\n$/, "").split("\n");
  return lines.map((line, at) => ({ line, at }));
}
