"use client";

import { useCallback, useState } from "react";

export type Copier = {
  copy: (text: string) => void;
  /** Result of the last copy; undefined before the first. */
  outcome: string | undefined;
};

/** Copies text, and reports whether the browser allowed it. */
export function useCopy(): Copier {
  const [outcome, setOutcome] = useState<string>();
  const copy = useCallback((text: string): void => {
    const refused = (): void => setOutcome("this browser does not allow copying here");
    // Undefined on plain HTTP from another host.
    const clipboard = "clipboard" in navigator ? navigator.clipboard : undefined;
    if (!clipboard) return refused();
    clipboard.writeText(text).then(() => setOutcome("copied"), refused);
  }, []);
  return { copy, outcome };
}
