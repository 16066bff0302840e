import Link from "next/link";

import { Logo } from "./logo.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";
import type { Theme } from "./theme.ts";

/** The header of a page without a time range and without the menu of the member. */
export function PageBar({ theme }: { theme: Theme }) {
  return (
    <header className="bar">
      <Link href="/" className="brand" aria-label="Quarterdeck, board">
        <Logo />
        <span className="brand-name">Quarterdeck</span>
      </Link>
      <nav aria-label="Pages">
        <Link href="/">Board</Link>
        <Link href="/explore">Explore</Link>
      </nav>
      <div className="bar-end only">
        <ThemeSwitch theme={theme} />
      </div>
    </header>
  );
}
