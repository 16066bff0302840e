"use client";

import { type RefObject, useEffect, useRef } from "react";

import { isAddress } from "../search-terms.ts";

/**
 * Calls `onAddress` when an IP address, and nothing else, is pasted into the empty search field or outside of all fields:
 * it can only mean the requests of this client.
 */
export function usePastedAddress(
  field: RefObject<HTMLInputElement | null>,
  onAddress: (address: string) => void,
): void {
  const latest = useRef(onAddress);
  useEffect(() => {
    latest.current = onAddress;
  });
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      const { target } = event;
      const isField = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
      if (isField && !(target === field.current && target.value === "")) return;
      const address = event.clipboardData?.getData("text/plain").trim() ?? "";
      if (!isAddress(address)) return;
      event.preventDefault();
      latest.current(address);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, [field]);
}
