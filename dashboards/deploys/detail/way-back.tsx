"use client";

import { Link } from "#dashboards/client/link.tsx";
import { searchOf } from "#dashboards/client/use-range.ts";
import { formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { Pages } from "../live-messages.ts";
import { rollBackMsOf } from "../roll-back-time.ts";
import { COMMAND_WORDS, type CommandKind } from "../words.ts";

type WayBackProps = {
  detail: Pages["deploy"];
  /** Those that fit now and that the member may give. */
  commands: readonly CommandKind[];
  onCommand: (kind: CommandKind) => void;
};

const ORDER: readonly CommandKind[] = ["roll-back", "abort", "resume", "pause", "hold", "force"];

/** The way back to the old release and the other commands, always in view. */
export function WayBack({ detail, commands, onCommand }: WayBackProps) {
  const { wayBack, deploy, may } = detail;
  const others = ORDER.filter((kind) => kind !== wayBack.command && commands.includes(kind));
  const isHeld = deploy.isHeld && may.includes("resume");
  return (
    <section className="way-back" aria-label="Way back">
      <p>
        <b>Way back:</b> <Untrusted text={wayBack.text} charactersMax={400} />{" "}
        <Measured detail={detail} />
        {isHeld && wayBack.command === null ? "Look at the history below for what to do." : null}
      </p>
      <div className="way-back-buttons">
        <Back detail={detail} commands={commands} onCommand={onCommand} />
        {others.map((kind) => (
          <button key={kind} type="button" onClick={() => onCommand(kind)}>
            {COMMAND_WORDS[kind].label}
          </button>
        ))}
      </div>
    </section>
  );
}

function Back({ detail: { wayBack, deploy, may }, commands, onCommand }: WayBackProps) {
  const { command } = wayBack;
  if (command === "deploy-again") {
    if (!may.includes("start") || deploy.from === null) return null;
    const search = searchOf({ start: deploy.workload, release: deploy.from });
    return (
      <Link className="button primary" href={`/deploys?${search}`}>
        Deploy <Untrusted text={deploy.from} charactersMax={30} /> again
      </Link>
    );
  }
  if (command === null || !commands.includes(command)) return null;
  return (
    <button
      type="button"
      className="primary"
      title={`${COMMAND_WORDS[command].label} (r)`}
      onClick={() => onCommand(command)}
    >
      {COMMAND_WORDS[command].label}
    </button>
  );
}

/** How fast it is now, from what it takes; afterwards how fast it was. */
function Measured({ detail }: Pick<WayBackProps, "detail">) {
  const { wayBack, live } = detail;
  if (wayBack.command === "roll-back") {
    const nodes = live?.nodes?.length;
    return nodes === undefined ? null : (
      <>
        It is one change of configuration on {nodes === 1 ? "the node" : `each of ${nodes} nodes`},
        and starts no task.
      </>
    );
  }
  const tookMs = rollBackMsOf(detail);
  if (tookMs === undefined) return null;
  return (
    <>
      All traffic was back <b>{formatQuantity(tookMs, "ms")}</b> after the decision.
    </>
  );
}
