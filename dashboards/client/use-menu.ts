"use client";

import { type RefObject, useEffect, useRef } from "react";

/** A menu as a `details` element, which closes on Escape and on a press outside of it. */
export function useMenu(): { menu: RefObject<HTMLDetailsElement | null>; close: () => void } {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const onPress = ({ target }: PointerEvent): void => {
      if (target instanceof Node && menu.current?.contains(target)) return;
      if (menu.current) menu.current.open = false;
    };
    const onKey = (event: KeyboardEvent): void => {
      const { current } = menu;
      if (event.key !== "Escape" || !current?.open) return;
      // Escape closes only the menu, not what is below it.
      event.stopPropagation();
      current.open = false;
      current.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", onPress);
    addEventListener("keydown", onKey, { capture: true });
    return () => {
      document.removeEventListener("pointerdown", onPress);
      removeEventListener("keydown", onKey, { capture: true });
    };
  }, []);
  const close = (): void => {
    if (menu.current) menu.current.open = false;
  };
  return { menu, close };
}
