"use client";

import { Link } from "#dashboards/client/link.tsx";
import { useNow } from "#dashboards/client/use-now.ts";
import { Empty } from "#dashboards/panels/message.tsx";
import { useKeys } from "#dashboards/shell/use-keys.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Frame, type PageProps } from "../frame.tsx";
import type { Pages } from "../live-messages.ts";
import { useLive } from "../use-live.ts";
import { ServicePanel } from "./service-panel.tsx";
import { Services } from "./services.tsx";
import { TaskLogPanel } from "./task-log.tsx";
import { type FleetViewState, useFleetView } from "./use-fleet-view.ts";

/** What runs: services with their tasks and events, and the output of a task. */
export function FleetPage(props: PageProps) {
  const view = useFleetView();
  const live = useLive({ page: "fleet", task: view.task, container: view.container });
  const now = useNow(live.atMs);
  return (
    <Frame page="fleet" title="Fleet" live={live} {...props}>
      {live.content ? <Found content={live.content} view={view} nowMs={now} /> : null}
    </Frame>
  );
}

type FoundProps = { content: Pages["fleet"]; view: FleetViewState; nowMs: number | undefined };

function Found({ content, view, nowMs }: FoundProps) {
  const { place, services } = content;
  const service = services.find(({ name }) => name === view.service);
  const move = (by: number): void => {
    const at = services.findIndex(({ name }) => name === view.service);
    const next = services[Math.min(services.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (next) void view.set({ service: next.name, task: null, container: null });
  };
  useKeys({
    next: () => move(1),
    previous: () => move(-1),
    close: () =>
      void view.set(view.task === null ? { service: null } : { task: null, container: null }),
  });
  if (services.length === 0) {
    return (
      <Empty title="No service runs yet">
        <p>
          The first deploy of a workload creates its service.{" "}
          <Link href="/deploys">Deploy one</Link>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <p className="quiet">
        Tasks are <Untrusted text={place} charactersMax={200} />.
      </p>
      <Services services={services} view={view} />
      {service ? <ServicePanel service={service} view={view} nowMs={nowMs} /> : null}
      {view.task === null ? null : <TaskLogPanel content={content} view={view} />}
    </>
  );
}
