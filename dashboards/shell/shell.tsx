"use client";

import { type ReactNode, useRef } from "react";

import type { ProblemsMessage } from "../api.ts";
import { Link } from "../client/link.tsx";
import { useNavigate } from "../client/url-state.ts";
import { searchOf, type RangeState } from "../client/use-range.ts";
import { SEARCH_HELP_PATH } from "../link.ts";
import { Problems } from "../problems/problems.tsx";
import { absolute, NEXT_HOURS, shiftRange, zoomOut } from "../time-range.ts";
import { ShareLink } from "./copy-link.tsx";
import { DemoBanner } from "./demo-banner.tsx";
import { Logo } from "./logo.tsx";
import { MemberMenu } from "./member-menu.tsx";
import { ShortcutHelp } from "./shortcut-help.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";
import type { Theme } from "./theme.ts";
import { type ShownRange, TimeControl } from "./time-control.tsx";
import { useKeys } from "./use-keys.ts";

type ShellProps = {
  page: "board" | "explore" | "sources" | "formats" | "deploys" | "fleet" | "edge";
  theme: Theme;
  range: RangeState;
  shown: ShownRange | undefined;
  demo: boolean;
  /** The problems at the time of the page's HTML. */
  problems: ProblemsMessage;
  /** Reloads the page's data. */
  reload: () => void;
  children: ReactNode;
};

const PAGES = [
  { id: "board", href: "/", title: "Board" },
  { id: "explore", href: "/explore", title: "Explore" },
  { id: "sources", href: "/sources", title: "Sources" },
  { id: "deploys", href: "/deploys", title: "Deploys" },
] as const;

/** The frame around every page: navigation, time range, status. */
export function Shell(props: ShellProps) {
  const { page, theme, range, demo, problems, reload, children } = props;
  const shown = props.shown && chosen(range, props.shown);
  const hasRange = page === "board" || page === "explore";
  const sheet = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const { from, to, dataset, q, zone } = range;
  const tz = zone === "utc" ? "utc" : null;
  const kept = searchOf({ from, to, dataset, q, tz });
  const hrefOf = (href: string): string => (kept ? `${href}?${kept}` : href);
  useKeys({
    help: () => sheet.current?.showModal(),
    board: () => navigate(hrefOf("/")),
    explore: () => navigate(hrefOf("/explore")),
    sources: () => navigate(hrefOf("/sources")),
    deploys: () => navigate(hrefOf("/deploys")),
    fleet: () => navigate(hrefOf("/fleet")),
    edge: () => navigate(hrefOf("/edge")),
    searchHelp: () => navigate(SEARCH_HELP_PATH),
    range: () => field.current?.focus(),
    zoomOut: () => shown && range.setRange(zoomOut(shown)),
    earlier: () => shown && range.setRange(shiftRange(shown, -1)),
    later: () => shown && range.setRange(shiftRange(shown, 1)),
    nextHours: () => range.setRange(NEXT_HOURS),
    absolute: () => shown && range.setRange(absolute(shown.fromMs, shown.toMs)),
  });
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <Link href={hrefOf("/")} className="brand" aria-label="Quarterdeck, board">
          <Logo />
          <span className="brand-name">Quarterdeck</span>
        </Link>
        <PageLinks page={page} hrefOf={hrefOf} />
        {hasRange ? <TimeControl range={range} shown={shown} field={field} /> : null}
        <div className={hasRange ? "bar-end" : "bar-end only"}>
          <KeysButton onPress={() => sheet.current?.showModal()} />
          <ThemeSwitch theme={theme} />
          <MemberMenu />
        </div>
      </header>
      {demo ? <DemoBanner onOff={reload} /> : null}
      <Problems
        initial={problems}
        zone={zone}
        onDemo={(now) => (props.shown ?? page === "sources") && now !== demo && reload()}
        onRefused={reload}
      />
      <ShareLink shown={shown} />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <ShortcutHelp dialog={sheet} />
    </>
  );
}

function KeysButton({ onPress }: { onPress: () => void }) {
  return (
    <button
      type="button"
      className="icon keys-button"
      aria-label="Keys"
      title="Keys (?)"
      onClick={onPress}
    >
      <span aria-hidden="true">?</span>
    </button>
  );
}

type PageLinksProps = Pick<ShellProps, "page"> & { hrefOf: (href: string) => string };

function PageLinks({ page, hrefOf }: PageLinksProps) {
  return (
    <nav aria-label="Pages">
      {PAGES.map(({ id, href, title }) => (
        <Link key={id} href={hrefOf(href)} aria-current={currentOf(id, page)}>
          {title}
        </Link>
      ))}
    </nav>
  );
}

/** Fleet and edge are below the deploys. */
function currentOf(id: string, page: ShellProps["page"]): "page" | "true" | undefined {
  if (id === page) return "page";
  return id === "deploys" && (page === "fleet" || page === "edge") ? "true" : undefined;
}

/** An absolute range is known before its data has loaded, so that it can be shifted immediately. */
function chosen({ from, to }: RangeState, shown: ShownRange): ShownRange {
  const instants = [from, to].map((text) => (/^\d+$/.test(text ?? "") ? Number(text) : Number.NaN));
  const [fromMs = Number.NaN, toMs = Number.NaN] = instants;
  return fromMs < toMs ? { ...shown, fromMs, toMs, live: false } : shown;
}
