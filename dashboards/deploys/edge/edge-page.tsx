"use client";

import { parseAsString } from "nuqs";

import { Link } from "#dashboards/client/link.tsx";
import { useUrlState } from "#dashboards/client/url-state.ts";
import { useNow } from "#dashboards/client/use-now.ts";
import { Empty } from "#dashboards/panels/message.tsx";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { EdgeAnswer } from "../fleet-messages.ts";
import { Frame, type PageProps } from "../frame.tsx";
import { StateWord } from "../stand.tsx";
import { useLive } from "../use-live.ts";
import { CacheSection } from "./cache-section.tsx";
import { ConfigurationSection } from "./configuration-section.tsx";
import { NodeWorkload } from "./node-workload.tsx";

type Node = EdgeAnswer["nodes"][number];

/** The nodes of the edge: what each runs, and where it sends requests. */
export function EdgePage(props: PageProps) {
  const live = useLive({ page: "edge" });
  const now = useNow(live.atMs);
  const [{ workload }, set] = useUrlState({ workload: parseAsString });
  const nodes = live.content?.nodes ?? [];
  const names = [...new Set(nodes.flatMap((node) => node.workloads.map((it) => it.workload)))];
  return (
    <Frame page="edge" title="Edge" live={live} {...props}>
      {nodes.length === 0 ? <NoNodes /> : null}
      {names.length > 1 ? (
        <label>
          Workload{" "}
          <select
            value={workload ?? ""}
            onChange={({ target }) => void set({ workload: target.value || null })}
          >
            <option value="">All</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      ) : null}
      {nodes.map((node) => (
        <NodeSection key={node.id} node={node} workload={workload} />
      ))}
      {live.content ? (
        <>
          {live.content.cache ? (
            <CacheSection cache={live.content.cache} mayBan={live.content.mayBan} />
          ) : null}
          <ConfigurationSection
            configuration={live.content.configuration}
            mayConfigure={live.content.mayConfigure}
            nowMs={now}
          />
        </>
      ) : null}
    </Frame>
  );
}

const NoNodes = () => (
  <Empty title="The edge has no node">
    <p>
      Without a node no deploy starts. See <Link href="/deploys">the deploys</Link> for what waits.
    </p>
  </Empty>
);

const STATUS: Record<Node["status"], { shape: string; word: string; tone: string }> = {
  current: { shape: "✓", word: "has the newest configuration", tone: "ok" },
  behind: { shape: "◔", word: "does not have the newest configuration yet", tone: "warn" },
  unreachable: {
    shape: "✕",
    word: "cannot be reached: it goes on with what it has, and gets the newest when it is back",
    tone: "bad",
  },
  "not-started": {
    shape: "○",
    word: "not started yet: the first deploy of a workload starts it",
    tone: "now",
  },
  retired: {
    shape: "◌",
    word: "forgotten: it gets no configuration any more, and serves with its last one until it is stopped on its machine",
    tone: "now",
  },
};

function NodeSection({ node, workload }: { node: Node; workload: string | null }) {
  const shown = node.workloads.filter((it) => workload === null || it.workload === workload);
  const deployed = shown.filter(({ releases }) => releases.blue ?? releases.green);
  const others = shown.filter((it) => !deployed.includes(it)).map((it) => it.workload);
  return (
    <section className="edge-node" aria-label={`Node ${node.id}`}>
      <h2>
        <Untrusted text={node.id} charactersMax={100} /> <StateWord {...STATUS[node.status]} />
      </h2>
      {node.notes.map((note) => (
        <p key={note}>
          <span aria-hidden="true">!</span> <Untrusted text={note} charactersMax={600} />
        </p>
      ))}
      {shown.length === 0 ? <NoWorkloads status={node.status} /> : null}
      <div className="edge-workloads">
        {deployed.map((it) => (
          <NodeWorkload key={it.workload} of={it} />
        ))}
      </div>
      {others.length > 0 ? <p className="quiet">Never deployed: {others.join(", ")}.</p> : null}
    </section>
  );
}

const NoWorkloads = ({ status }: Pick<Node, "status">) =>
  status === "not-started" ? (
    <p>
      Start a deploy on <Link href="/deploys">the page Deploys</Link>, or with{" "}
      <code>quarterdeck deploy billing r1 --wait</code>.
    </p>
  ) : (
    <p className="quiet">Nothing is known about its workloads.</p>
  );
