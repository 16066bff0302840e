import Link from "next/link";
import type { ReactNode } from "react";

import { Logo } from "./logo.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";
import type { Theme } from "./theme.ts";

/** The header of a page without a time range and without the menu of the member; `children` are more links. */
export function PageBar({ theme, children }: { theme: Theme; children?: ReactNode }) {
  return (
    <header className="bar">
      <Link href="/" className="brand" aria-label="Quarterdeck, board">
        <Logo />
        <span className="brand-name">Quarterdeck</span>
      </Link>
      <nav aria-label="Pages">
        <Link href="/">Board</Link>
        <Link href="/explore">Explore</Link>
        {children}
      </nav>
      <div className="bar-end only">
        <ThemeSwitch theme={theme} />
      </div>
    </header>
  );
}
