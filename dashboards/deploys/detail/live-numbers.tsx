import { formatExact, formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { At } from "../ago.tsx";
import { ColourName } from "../colour-name.tsx";
import type { DeployDetail } from "../messages.ts";
import { SplitBar } from "../split-bar.tsx";
import { type Colour } from "../words.ts";

type Live = NonNullable<DeployDetail["live"]>;
type NumbersProps = {
  plan: Pick<DeployDetail["plan"], "oldColour" | "newColour" | "from" | "release">;
  live: Live;
};

/** What clients get from each colour, and how the nodes split traffic. */
export function LiveNumbers({ plan, live }: NumbersProps) {
  return (
    <section aria-label="Live numbers" className="deploy-live">
      <Colours plan={plan} live={live} />
      <Nodes nodes={live.nodes} />
    </section>
  );
}

function Colours({ plan, live }: NumbersProps) {
  return (
    <>
      <h2>Clients and tasks, by colour</h2>
      <table className="cards">
        <thead>
          <tr>
            <th scope="col">Colour</th>
            <th scope="col">Release</th>
            <th scope="col" className="num">
              Healthy tasks
            </th>
            <th scope="col" className="num">
              Requests
            </th>
            <th scope="col" className="num">
              Errors
            </th>
            <th scope="col" className="num">
              p95
            </th>
            <th scope="col" className="num">
              Open sessions
            </th>
          </tr>
        </thead>
        <tbody>
          <ColourRow colour={plan.oldColour} part="old" release={plan.from} live={live} />
          <ColourRow colour={plan.newColour} part="new" release={plan.release} live={live} />
        </tbody>
      </table>
      <Counted live={live} />
    </>
  );
}

function Counted({ live: { lanes, lanesSinceMs } }: { live: Live }) {
  if (lanes === null || lanesSinceMs === null) return null;
  const isNone = lanes.blue.requests + lanes.green.requests === 0;
  return (
    <p className="quiet">
      {isNone ? "No request was seen since " : "Requests, errors and p95 are counted since "}
      <At atMs={lanesSinceMs} />.
    </p>
  );
}

type RowProps = { colour: Colour; part: "old" | "new"; release: string | null; live: Live };

function ColourRow({ colour, part, release, live: { lanes, tasks, nodes } }: RowProps) {
  const lane = lanes?.[colour];
  const task = tasks?.[colour];
  const sessions = sessionsOf(nodes, colour);
  return (
    <tr>
      <th scope="row">
        <ColourName colour={colour} /> <span className="quiet">({part})</span>
      </th>
      <td data-label="Release">
        <Untrusted text={release ?? "–"} charactersMax={60} />
      </td>
      <td data-label="Healthy tasks" className="num">
        {task ? <Tasks task={task} /> : "–"}
      </td>
      <td data-label="Requests" className="num">
        {lane ? formatExact(lane.requests) : "–"}
      </td>
      <td data-label="Errors" className="num">
        {lane ? <Errors lane={lane} /> : "–"}
      </td>
      <td data-label="p95" className="num">
        {formatQuantity(lane?.latencyMsP95, "ms")}
      </td>
      <td data-label="Open sessions" className="num">
        {sessions === null ? "–" : formatExact(sessions)}
      </td>
    </tr>
  );
}

/** Null unless all nodes are known: whoever waits for the last session must not read a 0 that nobody counted. */
const sessionsOf = (nodes: Live["nodes"], colour: Colour): number | null =>
  nodes?.reduce<number | null>(
    (all, { sessions }) => (all === null || sessions === null ? null : all + sessions[colour]),
    0,
  ) ?? null;

type Tasks = NonNullable<Live["tasks"]>["blue"];
type Lane = NonNullable<Live["lanes"]>["blue"];

function Tasks({ task: { healthy, desired, failed } }: { task: Tasks }) {
  return (
    <>
      {healthy} of {desired}
      {failed > 0 ? <span className="error-text"> {formatExact(failed)} failed</span> : null}
    </>
  );
}

function Errors({ lane: { errors, requests } }: { lane: Lane }) {
  return (
    <span className={errors > 0 ? "error-text" : undefined}>
      {formatExact(errors)}
      {requests > 0 ? ` (${formatQuantity(errors / requests, "ratio")})` : ""}
    </span>
  );
}

function Nodes({ nodes }: Pick<Live, "nodes">) {
  return (
    <>
      <h2>Split, by node</h2>
      {nodes === null ? <p className="quiet">The nodes have not been read yet.</p> : null}
      <ul className="node-splits">
        {nodes?.map(({ node, isReachable, isCurrent, shareBp }) => (
          <li key={node}>
            <b>
              <Untrusted text={node} />
            </b>{" "}
            {shareBp ? <SplitBar shareBp={shareBp} /> : null}{" "}
            {isReachable ? null : (
              <span className="error-text">✕ cannot be reached: it goes on with what it has</span>
            )}
            {isReachable && !isCurrent ? (
              <span className="quiet">◔ has not confirmed the newest configuration yet</span>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  );
}
