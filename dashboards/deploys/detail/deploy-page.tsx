"use client";

import { parseAsStringLiteral } from "nuqs";
import { useState } from "react";

import { useUrlState } from "#dashboards/client/url-state.ts";
import { useNow } from "#dashboards/client/use-now.ts";
import { useKeys } from "#dashboards/shell/use-keys.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import { Frame, type PageProps } from "../frame.tsx";
import type { Pages } from "../live-messages.ts";
import { Stand } from "../stand.tsx";
import { useLive } from "../use-live.ts";
import { type CommandKind, offered, releasesText } from "../words.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { Effects } from "./effects.tsx";
import { History } from "./history.tsx";
import { LiveNumbers } from "./live-numbers.tsx";
import { PlanOfDeploy } from "./plan-of-deploy.tsx";
import { Stepper } from "./stepper.tsx";
import { WayBack } from "./way-back.tsx";

const PARTS = ["effects", "history", "plan"] as const;
const PART_WORDS = { effects: "Effects", history: "History", plan: "Plan" } as const;

/** One deploy: what it does, why it waits, what clients get from each colour, and the way back. */
export function DeployPage({ id, ...props }: PageProps & { id: string }) {
  const live = useLive({ page: "deploy", id });
  const { content } = live;
  const now = useNow(live.atMs);
  const title = content ? (
    <>
      <Untrusted text={content.deploy.workload} />{" "}
      <Untrusted text={releasesText(content.deploy)} charactersMax={80} />
    </>
  ) : (
    "Deploy"
  );
  return (
    <Frame page="deploys" title={title} live={live} {...props}>
      {content ? <Found detail={content} nowMs={now} /> : null}
    </Frame>
  );
}

type FoundProps = { detail: Pages["deploy"]; nowMs: number | undefined };

function Found({ detail, nowMs }: FoundProps) {
  const [asked, setAsked] = useState<CommandKind>();
  const commands = offered(detail.commands, detail.may);
  const ask = (kind: CommandKind | undefined): void => {
    if (kind && commands.includes(kind)) setAsked(kind);
  };
  const { command } = detail.wayBack;
  useKeys({
    wayBack: () => ask(command === "deploy-again" || command === null ? undefined : command),
    pause: () => ask(commands.includes("resume") ? "resume" : "pause"),
  });
  return (
    <>
      <WayBack detail={detail} commands={commands} onCommand={setAsked} />
      <Summary detail={detail} nowMs={nowMs} />
      <Stepper detail={detail} nowMs={nowMs} />
      {detail.live ? <LiveNumbers plan={detail.plan} live={detail.live} /> : null}
      <Parts detail={detail} nowMs={nowMs} />
      {asked ? (
        <CommandDialog
          key={asked}
          kind={asked}
          deploy={detail.deploy}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
    </>
  );
}

function Summary({ detail: { deploy, waitsFor }, nowMs }: FoundProps) {
  const { createdBy, createdAtMs, strategy, paused, reason } = deploy;
  return (
    <section className="deploy-summary" aria-label="State">
      <p className="deploy-stand">
        <Stand deploy={deploy} />
      </p>
      {paused ? (
        <p>
          Paused by <Untrusted text={paused.by} /> <Ago atMs={paused.atMs} nowMs={nowMs} />:{" "}
          <Untrusted text={paused.reason} charactersMax={600} />
        </p>
      ) : null}
      {reason !== null && reason !== waitsFor && !paused ? (
        <p>
          <Untrusted text={reason} charactersMax={1_000} />
        </p>
      ) : null}
      <p className="quiet">
        {strategy}, started by <Untrusted text={createdBy} />{" "}
        <Ago atMs={createdAtMs} nowMs={nowMs} />
      </p>
    </section>
  );
}

/** What it asked for and how that was answered, what happened, or what was planned. */
function Parts({ detail, nowMs }: FoundProps) {
  const [{ show }, set] = useUrlState({
    show: parseAsStringLiteral(PARTS).withDefault("effects"),
  });
  return (
    <section aria-label={PART_WORDS[show]}>
      <div className="deploy-parts">
        {PARTS.map((part) => (
          <button
            key={part}
            type="button"
            aria-pressed={part === show}
            onClick={() => void set({ show: part })}
          >
            {PART_WORDS[part]}
          </button>
        ))}
      </div>
      {show === "effects" ? (
        <Effects deploy={detail.deploy} effects={detail.effects} nowMs={nowMs} />
      ) : null}
      {show === "history" ? <History history={detail.history} nowMs={nowMs} /> : null}
      {show === "plan" ? <PlanOfDeploy detail={detail} /> : null}
    </section>
  );
}
