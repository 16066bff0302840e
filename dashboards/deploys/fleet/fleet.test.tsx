import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import type { FleetAnswer, TaskLog } from "../fleet-messages.ts";
import { Services } from "./services.tsx";
import { TaskLogPanel } from "./task-log.tsx";

const SERVICE: FleetAnswer["services"][number] = {
  name: "billing-blue",
  workload: "billing",
  colour: "blue",
  status: "ACTIVE",
  isLive: false,
  release: "r2",
  desired: 0,
  running: 0,
  pending: 0,
  rollout: "COMPLETED",
  rolloutReason: "",
  failedTasks: 0,
  events: [],
  tasks: [],
};
const view = {
  service: null,
  task: "t1",
  container: null,
  set: () => Promise.resolve(new URLSearchParams()),
};

test("the colour of a deploy is not called idle while it has tasks", () => {
  const shown = (of: Partial<typeof SERVICE>): string =>
    renderToStaticMarkup(<Services services={[{ ...SERVICE, ...of }]} view={view} />);
  expect(shown({})).toContain("(idle)");
  expect(shown({ desired: 2 })).toContain("(part of a deploy)");
  expect(shown({ desired: 2 })).not.toContain("(idle)");
  expect(shown({ desired: 2, isLive: true })).toContain("(live)");
});

test("the output of a container is not shown under the name of another one", () => {
  const shown = (container: string | null): string => {
    const log: TaskLog = {
      task: "t1",
      container: "web",
      text: "a line",
      isCut: false,
      keptIn: null,
    };
    const content = { services: [], log, logProblem: null };
    return renderToStaticMarkup(<TaskLogPanel content={content} view={{ ...view, container }} />);
  };
  expect(shown(null)).toContain("a line");
  expect(shown("web")).toContain("a line");
  expect(shown("workers")).not.toContain("a line");
  expect(shown("workers")).toContain("Loading the log");
});
