"use client";

import type { ReactNode } from "react";

import type { ProblemsMessage } from "../api.ts";
import { Link } from "../client/link.tsx";
import { useRange } from "../client/use-range.ts";
import { Empty } from "../panels/message.tsx";
import { Shell } from "../shell/shell.tsx";
import type { Theme } from "../shell/theme.ts";
import { Untrusted } from "../untrusted.tsx";
import type { PageName } from "./live-messages.ts";
import type { Live } from "./use-live.ts";

export type PageProps = { theme: Theme; problems: ProblemsMessage };

type FrameProps = PageProps & {
  page: "deploys" | "fleet" | "edge";
  title: ReactNode;
  live: Live<PageName>;
  children: ReactNode;
};

const TABS = [
  { id: "deploys", href: "/deploys", title: "Deploys" },
  { id: "fleet", href: "/fleet", title: "Fleet" },
  { id: "edge", href: "/edge", title: "Edge" },
] as const;

const STATUS_WORDS = {
  live: "Live",
  connecting: "Connecting…",
  lost: "Connection lost, retrying: what is shown may be outdated",
} as const;
const OUTDATED = "Outdated";

/** What the pages about deploys, fleet and edge have in common. */
export function Frame({ page, theme, problems, title, live, children }: FrameProps) {
  const range = useRange();
  const { status, problem, content, demo } = live;
  const isStale = status === "lost" || (problem !== undefined && content !== undefined);
  return (
    <Shell
      page={page}
      theme={theme}
      problems={problems}
      range={range}
      shown={undefined}
      demo={demo}
      reload={() => undefined}
    >
      <div className="deploys-page">
        <header className="deploys-head">
          <h1>{title}</h1>
          <output className="live" data-status={isStale ? "lost" : status}>
            <span className="dot" aria-hidden="true" />
            {isStale && status === "live" ? OUTDATED : STATUS_WORDS[status]}
          </output>
          <nav className="deploys-tabs" aria-label="About deploys">
            {TABS.map(({ id, href, title: name }) => (
              <Link key={id} href={href} aria-current={id === page ? "page" : undefined}>
                {name}
              </Link>
            ))}
          </nav>
        </header>
        {problem ? <Refused problem={problem} /> : null}
        {content ? (
          <div className="deploys-content" data-stale={isStale || undefined}>
            {children}
          </div>
        ) : null}
        {!content && !problem ? <p aria-busy="true">Loading</p> : null}
      </div>
    </Shell>
  );
}

function Refused({
  problem: { code, message },
}: {
  problem: NonNullable<Live<PageName>["problem"]>;
}) {
  if (code === "forbidden") {
    return (
      <Empty title="You may not see this">
        <p>
          <Untrusted text={message} /> Ask an owner for the grant <code>view workload:*</code>, or
          the same for one workload.
        </p>
      </Empty>
    );
  }
  if (code === "not_found") {
    return (
      <Empty title="There is no such deploy">
        <p>
          <Untrusted text={message} /> <Link href="/deploys">All deploys</Link>
        </p>
      </Empty>
    );
  }
  return (
    <p className="form-error" role="alert">
      <Untrusted text={message} charactersMax={1_000} />
    </p>
  );
}
