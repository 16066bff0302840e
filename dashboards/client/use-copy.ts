"use client";

import { useCallback, useState } from "react";

export type Copier = {
  copy: (text: string) => void;
  /** What became of the last copy; undefined before there was one. */
  outcome: string | undefined;
};

/** Copies text, and says whether the browser allowed it. */
export function useCopy(): Copier {
  const [outcome, setOutcome] = useState<string>();
  const copy = useCallback((text: string): void => {
    const refused = (): void => setOutcome("this browser does not allow copying here");
    // Absent where the page came over plain HTTP from another machine.
    const clipboard = "clipboard" in navigator ? navigator.clipboard : undefined;
    if (!clipboard) return refused();
    clipboard.writeText(text).then(() => setOutcome("copied"), refused);
  }, []);
  return { copy, outcome };
}
