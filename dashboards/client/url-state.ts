"use client";

import { useRouter } from "next/navigation";
import { useQueryStates, type UseQueryStatesKeysMap, type UseQueryStatesReturn } from "nuqs";
import { useCallback } from "react";

/** The last change of state that is not in the URL yet. */
let unwritten: Promise<unknown> | undefined;

/**
 * State whose only place is the query string of the URL; each change is an entry of the history.
 *
 * nuqs renders a change at once and writes it to the URL within 150 ms (more on a busy machine). If a navigation began in
 * between, Next.js would discard it for the URL that is written then; {@link useNavigate} therefore waits for the write.
 */
export function useUrlState<Keys extends UseQueryStatesKeysMap>(
  keys: Keys,
): UseQueryStatesReturn<Keys> {
  const [values, setValues] = useQueryStates(keys, { history: "push" });
  const set: typeof setValues = useCallback(
    (...change) => {
      const written = setValues(...change);
      const forget = (): void => {
        if (unwritten === written) unwritten = undefined;
      };
      unwritten = written;
      void written.then(forget, forget);
      return written;
    },
    [setValues],
  );
  return [values, set];
}

/** Whether a change of {@link useUrlState} is not in the URL yet. */
export function isUrlBehind(): boolean {
  return unwritten !== undefined;
}

/** Goes to another page, after the changes of {@link useUrlState} are in the URL. */
export function useNavigate(): (href: string) => void {
  const router = useRouter();
  return useCallback(
    (href) => {
      const go = (): void => router.push(href);
      if (unwritten) void unwritten.then(go, go);
      else go();
    },
    [router],
  );
}
