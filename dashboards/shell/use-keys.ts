"use client";

import { useEffect, useRef } from "react";

import { type Action, actionFor, type Pressed, takesKeys } from "./keys.ts";

export type KeyHandlers = Partial<Record<Action, () => void>>;

/** Runs the handler of a pressed key, except while the user is typing. */
export function useKeys(handlers: KeyHandlers): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    let before: Pressed | undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const action = actionFor(event.key, before, event.timeStamp);
      before = { key: event.key, atMs: event.timeStamp };
      const handler = action && latest.current[action];
      if (!handler) return;
      if (action !== "open" && action !== "close") event.preventDefault();
      before = undefined;
      handler();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  takesKeys({
    tagName: target.tagName,
    type: target.getAttribute("type"),
    isContentEditable: target.isContentEditable,
  });
